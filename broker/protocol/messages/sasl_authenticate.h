// SaslAuthenticate (key 36): one token of a SASL exchange (KIP-152). Lifetime of the session (v1, KIP-368).
#pragma once

#include <cstdint>

#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct SaslAuthenticateResponse;

struct SaslAuthenticateRequest {
  static constexpr ApiKey api_key = ApiKey::sasl_authenticate;
  static constexpr Versions versions{0, 2};
  static constexpr Version flexible_since = 2;
  using Response = SaslAuthenticateResponse;

  Bytes auth_bytes{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("auth_bytes", self.auth_bytes, secret);
  }
};

struct SaslAuthenticateResponse {
  using Request = SaslAuthenticateRequest;

  ErrorCode error_code{};
  NullableString error_message = "";
  Bytes auth_bytes{};
  std::int64_t session_lifetime_ms = 0;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("error_code", self.error_code);
    field("error_message", self.error_message, nullable());
    field("auth_bytes", self.auth_bytes, secret);
    field("session_lifetime_ms", self.session_lifetime_ms, since(1), ignorable);
  }
};

}  // namespace millrace::protocol

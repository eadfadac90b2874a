// SaslHandshake (key 17): the client names the SASL mechanism. After v0 the tokens come without frames of Kafka's
// protocol, after v1 in SaslAuthenticate (KIP-43, KIP-152). Never flexible: clients send it before they know the
// broker's versions.
#pragma once

#include <cstdint>

#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct SaslHandshakeResponse;

struct SaslHandshakeRequest {
  static constexpr ApiKey api_key = ApiKey::sasl_handshake;
  static constexpr Versions versions{0, 1};
  static constexpr Version flexible_since = highest_version;  // never
  using Response = SaslHandshakeResponse;

  String mechanism{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("mechanism", self.mechanism);
  }
};

struct SaslHandshakeResponse {
  using Request = SaslHandshakeRequest;

  ErrorCode error_code{};
  Array<String> mechanisms{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("error_code", self.error_code);
    field("mechanisms", self.mechanisms);
  }
};

}  // namespace millrace::protocol

// Envelope (key 58): a client's request that a broker forwards to the controller, with the client's principal
// (KIP-590).
#pragma once

#include <cstdint>

#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct EnvelopeResponse;

struct EnvelopeRequest {
  static constexpr ApiKey api_key = ApiKey::envelope;
  static constexpr Versions versions{0, 0};
  static constexpr Version flexible_since = 0;
  using Response = EnvelopeResponse;

  Bytes request_data{};
  NullableBytes request_principal{Bytes{}};
  Bytes client_host_address{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("request_data", self.request_data, secret);
    field("request_principal", self.request_principal, nullable());
    field("client_host_address", self.client_host_address);
  }
};

struct EnvelopeResponse {
  using Request = EnvelopeRequest;

  NullableBytes response_data{};
  ErrorCode error_code{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("response_data", self.response_data, nullable(), secret);
    field("error_code", self.error_code);
  }
};

}  // namespace millrace::protocol

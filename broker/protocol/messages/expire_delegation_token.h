// ExpireDelegationToken (key 40): a delegation token ends at another time, or now (KIP-48).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct ExpireDelegationTokenResponse;

struct ExpireDelegationTokenRequest {
  static constexpr ApiKey api_key = ApiKey::expire_delegation_token;
  static constexpr Versions versions{0, 2};
  static constexpr Version flexible_since = 2;
  using Response = ExpireDelegationTokenResponse;

  Bytes hmac{};
  std::int64_t expiry_time_period_ms = 0;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("hmac", self.hmac, secret);
    field("expiry_time_period_ms", self.expiry_time_period_ms);
  }
};

struct ExpireDelegationTokenResponse {
  using Request = ExpireDelegationTokenRequest;

  ErrorCode error_code{};
  TimestampMs expiry_timestamp_ms{};
  std::int32_t throttle_time_ms = 0;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("error_code", self.error_code);
    field("expiry_timestamp_ms", self.expiry_timestamp_ms);
    field("throttle_time_ms", self.throttle_time_ms);
  }
};

}  // namespace millrace::protocol

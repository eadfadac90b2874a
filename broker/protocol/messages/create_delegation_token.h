// CreateDelegationToken (key 38): a new delegation token (KIP-48). Owner other than the requester (v3, KIP-373).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct CreateDelegationTokenResponse;

struct CreateDelegationTokenRequest {
  static constexpr ApiKey api_key = ApiKey::create_delegation_token;
  static constexpr Versions versions{0, 3};
  static constexpr Version flexible_since = 2;
  using Response = CreateDelegationTokenResponse;

  struct Renewer {
    String principal_type{};
    String principal_name{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("principal_type", self.principal_type);
      field("principal_name", self.principal_name);
    }
  };

  NullableString owner_principal_type = "";  // null: the requester
  NullableString owner_principal_name = "";
  Array<Renewer> renewers{};
  std::int64_t max_lifetime_ms = 0;  // -1: the broker's

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("owner_principal_type", self.owner_principal_type, since(3), nullable());
    field("owner_principal_name", self.owner_principal_name, since(3), nullable());
    field("renewers", self.renewers);
    field("max_lifetime_ms", self.max_lifetime_ms);
  }
};

struct CreateDelegationTokenResponse {
  using Request = CreateDelegationTokenRequest;

  ErrorCode error_code{};
  String principal_type{};
  String principal_name{};
  String token_requester_principal_type{};
  String token_requester_principal_name{};
  TimestampMs issue_timestamp_ms{};
  TimestampMs expiry_timestamp_ms{};
  TimestampMs max_timestamp_ms{};
  String token_id{};
  Bytes hmac{};
  std::int32_t throttle_time_ms = 0;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("error_code", self.error_code);
    field("principal_type", self.principal_type);
    field("principal_name", self.principal_name);
    field("token_requester_principal_type", self.token_requester_principal_type, since(3));
    field("token_requester_principal_name", self.token_requester_principal_name, since(3));
    field("issue_timestamp_ms", self.issue_timestamp_ms);
    field("expiry_timestamp_ms", self.expiry_timestamp_ms);
    field("max_timestamp_ms", self.max_timestamp_ms);
    field("token_id", self.token_id);
    field("hmac", self.hmac, secret);
    field("throttle_time_ms", self.throttle_time_ms);
  }
};

}  // namespace millrace::protocol

// DescribeDelegationToken (key 41): delegation tokens of owners (KIP-48). Requester (v3, KIP-373).
#pragma once

#include <cstdint>
#include <utility>

#include "broker/base/types.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct DescribeDelegationTokenResponse;

struct DescribeDelegationTokenRequest {
  static constexpr ApiKey api_key = ApiKey::describe_delegation_token;
  static constexpr Versions versions{0, 3};
  static constexpr Version flexible_since = 2;
  using Response = DescribeDelegationTokenResponse;

  struct Owner {
    String principal_type{};
    String principal_name{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("principal_type", self.principal_type);
      field("principal_name", self.principal_name);
    }
  };

  NullableArray<Owner> owners{std::in_place};  // null: all owners

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("owners", self.owners, nullable());
  }
};

struct DescribeDelegationTokenResponse {
  using Request = DescribeDelegationTokenRequest;

  struct Token {
    struct Renewer {
      String principal_type{};
      String principal_name{};

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("principal_type", self.principal_type);
        field("principal_name", self.principal_name);
      }
    };

    String principal_type{};
    String principal_name{};
    String token_requester_principal_type{};
    String token_requester_principal_name{};
    TimestampMs issue_timestamp{};
    TimestampMs expiry_timestamp{};
    TimestampMs max_timestamp{};
    String token_id{};
    Bytes hmac{};
    Array<Renewer> renewers{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("principal_type", self.principal_type);
      field("principal_name", self.principal_name);
      field("token_requester_principal_type", self.token_requester_principal_type, since(3));
      field("token_requester_principal_name", self.token_requester_principal_name, since(3));
      field("issue_timestamp", self.issue_timestamp);
      field("expiry_timestamp", self.expiry_timestamp);
      field("max_timestamp", self.max_timestamp);
      field("token_id", self.token_id);
      field("hmac", self.hmac, secret);
      field("renewers", self.renewers);
    }
  };

  ErrorCode error_code{};
  Array<Token> tokens{};
  std::int32_t throttle_time_ms = 0;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("error_code", self.error_code);
    field("tokens", self.tokens);
    field("throttle_time_ms", self.throttle_time_ms);
  }
};

}  // namespace millrace::protocol

// DescribeUserScramCredentials (key 50): who has SCRAM credentials, without the credentials (KIP-554).
#pragma once

#include <cstdint>
#include <utility>

#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"
#include "broker/protocol/scram_mechanism.h"

namespace millrace::protocol {

struct DescribeUserScramCredentialsResponse;

struct DescribeUserScramCredentialsRequest {
  static constexpr ApiKey api_key = ApiKey::describe_user_scram_credentials;
  static constexpr Versions versions{0, 0};
  static constexpr Version flexible_since = 0;
  using Response = DescribeUserScramCredentialsResponse;

  struct User {
    String name{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name);
    }
  };

  NullableArray<User> users{std::in_place};  // null or empty: all users

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("users", self.users, nullable());
  }
};

struct DescribeUserScramCredentialsResponse {
  using Request = DescribeUserScramCredentialsRequest;

  struct User {
    struct CredentialInfo {
      ScramMechanism mechanism{};
      std::int32_t iterations = 0;

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("mechanism", self.mechanism);
        field("iterations", self.iterations);
      }
    };

    String user{};
    ErrorCode error_code{};
    NullableString error_message = "";
    Array<CredentialInfo> credential_infos{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("user", self.user);
      field("error_code", self.error_code);
      field("error_message", self.error_message, nullable());
      field("credential_infos", self.credential_infos);
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code{};
  NullableString error_message = "";
  Array<User> results{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("error_code", self.error_code);
    field("error_message", self.error_message, nullable());
    field("results", self.results);
  }
};

}  // namespace millrace::protocol

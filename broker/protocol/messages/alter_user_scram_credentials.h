// AlterUserScramCredentials (key 51): SCRAM credentials set and removed; the password comes salted (KIP-554).
#pragma once

#include <cstdint>

#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"
#include "broker/protocol/scram_mechanism.h"

namespace millrace::protocol {

struct AlterUserScramCredentialsResponse;

struct AlterUserScramCredentialsRequest {
  static constexpr ApiKey api_key = ApiKey::alter_user_scram_credentials;
  static constexpr Versions versions{0, 0};
  static constexpr Version flexible_since = 0;
  using Response = AlterUserScramCredentialsResponse;

  struct Deletion {
    String name{};
    ScramMechanism mechanism{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name);
      field("mechanism", self.mechanism);
    }
  };

  struct Upsertion {
    String name{};
    ScramMechanism mechanism{};
    std::int32_t iterations = 0;
    Bytes salt{};
    Bytes salted_password{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name);
      field("mechanism", self.mechanism);
      field("iterations", self.iterations);
      field("salt", self.salt, secret);
      field("salted_password", self.salted_password, secret);
    }
  };

  Array<Deletion> deletions{};
  Array<Upsertion> upsertions{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("deletions", self.deletions);
    field("upsertions", self.upsertions);
  }
};

struct AlterUserScramCredentialsResponse {
  using Request = AlterUserScramCredentialsRequest;

  struct User {
    String user{};
    ErrorCode error_code{};
    NullableString error_message = "";

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("user", self.user);
      field("error_code", self.error_code);
      field("error_message", self.error_message, nullable());
    }
  };

  std::int32_t throttle_time_ms = 0;
  Array<User> results{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("results", self.results);
  }
};

}  // namespace millrace::protocol

// CreatePartitions (key 37): more partitions for topics (KIP-195). THROTTLING_QUOTA_EXCEEDED (v3, KIP-599).
#pragma once

#include <cstdint>
#include <utility>

#include "broker/base/types.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct CreatePartitionsResponse;

struct CreatePartitionsRequest {
  static constexpr ApiKey api_key = ApiKey::create_partitions;
  static constexpr Versions versions{0, 3};
  static constexpr Version flexible_since = 2;
  using Response = CreatePartitionsResponse;

  struct Topic {
    struct Assignment {
      Array<BrokerId> broker_ids{};

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("broker_ids", self.broker_ids);
      }
    };

    String name{};
    std::int32_t count = 0;                                // the new number, not the difference
    NullableArray<Assignment> assignments{std::in_place};  // null: the controller chooses

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name);
      field("count", self.count);
      field("assignments", self.assignments, nullable());
    }
  };

  Array<Topic> topics{};
  std::int32_t timeout_ms = 0;
  bool validate_only = false;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("topics", self.topics);
    field("timeout_ms", self.timeout_ms);
    field("validate_only", self.validate_only);
  }
};

struct CreatePartitionsResponse {
  using Request = CreatePartitionsRequest;

  struct Topic {
    String name{};
    ErrorCode error_code{};
    NullableString error_message{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name);
      field("error_code", self.error_code);
      field("error_message", self.error_message, nullable());
    }
  };

  std::int32_t throttle_time_ms = 0;
  Array<Topic> results{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("results", self.results);
  }
};

}  // namespace millrace::protocol

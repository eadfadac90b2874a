// AlterPartitionReassignments (key 45): partitions get other replicas, or keep those they have (KIP-455).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct AlterPartitionReassignmentsResponse;

struct AlterPartitionReassignmentsRequest {
  static constexpr ApiKey api_key = ApiKey::alter_partition_reassignments;
  static constexpr Versions versions{0, 0};
  static constexpr Version flexible_since = 0;
  using Response = AlterPartitionReassignmentsResponse;

  struct Topic {
    struct Partition {
      PartitionIndex partition_index{};
      NullableArray<BrokerId> replicas{};  // null: ends the reassignment

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("partition_index", self.partition_index);
        field("replicas", self.replicas, nullable());
      }
    };

    String name{};
    Array<Partition> partitions{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name);
      field("partitions", self.partitions);
    }
  };

  std::int32_t timeout_ms = 60000;
  Array<Topic> topics{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("timeout_ms", self.timeout_ms);
    field("topics", self.topics);
  }
};

struct AlterPartitionReassignmentsResponse {
  using Request = AlterPartitionReassignmentsRequest;

  struct Topic {
    struct Partition {
      PartitionIndex partition_index{};
      ErrorCode error_code{};
      NullableString error_message = "";

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("partition_index", self.partition_index);
        field("error_code", self.error_code);
        field("error_message", self.error_message, nullable());
      }
    };

    String name{};
    Array<Partition> partitions{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name);
      field("partitions", self.partitions);
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code{};
  NullableString error_message = "";
  Array<Topic> responses{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("error_code", self.error_code);
    field("error_message", self.error_message, nullable());
    field("responses", self.responses);
  }
};

}  // namespace millrace::protocol

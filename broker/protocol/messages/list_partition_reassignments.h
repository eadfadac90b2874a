// ListPartitionReassignments (key 46): the reassignments under way (KIP-455).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct ListPartitionReassignmentsResponse;

struct ListPartitionReassignmentsRequest {
  static constexpr ApiKey api_key = ApiKey::list_partition_reassignments;
  static constexpr Versions versions{0, 0};
  static constexpr Version flexible_since = 0;
  using Response = ListPartitionReassignmentsResponse;

  struct Topic {
    String name{};
    Array<PartitionIndex> partition_indexes{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name);
      field("partition_indexes", self.partition_indexes);
    }
  };

  std::int32_t timeout_ms = 60000;
  NullableArray<Topic> topics{};  // null: all topics

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("timeout_ms", self.timeout_ms);
    field("topics", self.topics, nullable());
  }
};

struct ListPartitionReassignmentsResponse {
  using Request = ListPartitionReassignmentsRequest;

  struct Topic {
    struct Partition {
      PartitionIndex partition_index{};
      Array<BrokerId> replicas{};
      Array<BrokerId> adding_replicas{};
      Array<BrokerId> removing_replicas{};

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("partition_index", self.partition_index);
        field("replicas", self.replicas);
        field("adding_replicas", self.adding_replicas);
        field("removing_replicas", self.removing_replicas);
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
  Array<Topic> topics{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("error_code", self.error_code);
    field("error_message", self.error_message, nullable());
    field("topics", self.topics);
  }
};

}  // namespace millrace::protocol

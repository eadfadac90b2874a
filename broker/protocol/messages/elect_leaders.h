// ElectLeaders (key 43): leader elections on demand (KIP-183). Unclean elections, partitions with their topics'
// errors (v1, KIP-460).
#pragma once

#include <cstdint>
#include <utility>

#include "broker/base/types.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

enum class ElectionType : std::int8_t {
  preferred = 0,
  unclean = 1,
};

struct ElectLeadersResponse;

struct ElectLeadersRequest {
  static constexpr ApiKey api_key = ApiKey::elect_leaders;
  static constexpr Versions versions{0, 2};
  static constexpr Version flexible_since = 2;
  using Response = ElectLeadersResponse;

  struct TopicPartitions {
    String topic{};
    Array<PartitionIndex> partitions{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic", self.topic);
      field("partitions", self.partitions);
    }
  };

  ElectionType election_type{};
  NullableArray<TopicPartitions> topic_partitions{std::in_place};  // null: all partitions
  std::int32_t timeout_ms = 60000;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("election_type", self.election_type, since(1));
    field("topic_partitions", self.topic_partitions, nullable());
    field("timeout_ms", self.timeout_ms);
  }
};

struct ElectLeadersResponse {
  using Request = ElectLeadersRequest;

  struct ReplicaElectionResult {
    struct PartitionResult {
      PartitionIndex partition_id{};
      ErrorCode error_code{};
      NullableString error_message = "";

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("partition_id", self.partition_id);
        field("error_code", self.error_code);
        field("error_message", self.error_message, nullable());
      }
    };

    String topic{};
    Array<PartitionResult> partition_result{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic", self.topic);
      field("partition_result", self.partition_result);
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code{};
  Array<ReplicaElectionResult> replica_election_results{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("error_code", self.error_code, since(1));
    field("replica_election_results", self.replica_election_results);
  }
};

}  // namespace millrace::protocol

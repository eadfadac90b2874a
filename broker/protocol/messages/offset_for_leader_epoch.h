// OffsetForLeaderEpoch (key 23): where a leader epoch ends, for truncation (KIP-101). Epoch in the answer (v1,
// KIP-279), fencing and consumers (v2, KIP-320), replica id (v3, KIP-392).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct OffsetForLeaderEpochResponse;

struct OffsetForLeaderEpochRequest {
  static constexpr ApiKey api_key = ApiKey::offset_for_leader_epoch;
  static constexpr Versions versions{0, 4};
  static constexpr Version flexible_since = 4;
  using Response = OffsetForLeaderEpochResponse;

  struct Topic {
    struct Partition {
      PartitionIndex partition{};
      LeaderEpoch current_leader_epoch = LeaderEpoch::none();
      LeaderEpoch leader_epoch{};

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("partition", self.partition);
        field("current_leader_epoch", self.current_leader_epoch, since(2), ignorable);
        field("leader_epoch", self.leader_epoch);
      }
    };

    String topic{};
    Array<Partition> partitions{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic", self.topic);
      field("partitions", self.partitions);
    }
  };

  BrokerId replica_id{-2};  // -1: a consumer; -2: a tool
  Array<Topic> topics{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("replica_id", self.replica_id, since(3), ignorable);
    field("topics", self.topics);
  }
};

struct OffsetForLeaderEpochResponse {
  using Request = OffsetForLeaderEpochRequest;

  struct Topic {
    struct Partition {
      ErrorCode error_code{};
      PartitionIndex partition{};
      LeaderEpoch leader_epoch = LeaderEpoch::none();
      Offset end_offset = Offset::none();

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("error_code", self.error_code);
        field("partition", self.partition);
        field("leader_epoch", self.leader_epoch, since(1), ignorable);
        field("end_offset", self.end_offset);
      }
    };

    String topic{};
    Array<Partition> partitions{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic", self.topic);
      field("partitions", self.partitions);
    }
  };

  std::int32_t throttle_time_ms = 0;
  Array<Topic> topics{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms, since(2), ignorable);
    field("topics", self.topics);
  }
};

}  // namespace millrace::protocol

// ListOffsets (key 2): offsets by time, or by one of the places of offset_spec. KIP-79 one offset (v1), KIP-98 isolation
// (v2), KIP-320 epochs (v4), KIP-734 max timestamp (v7), KIP-405 local log start (v8), KIP-1005 last tiered offset (v9).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"
#include "broker/protocol/isolation_level.h"

namespace millrace::protocol {

// The timestamps that ask for a place instead of a time.
namespace offset_spec {
inline constexpr TimestampMs latest{-1};
inline constexpr TimestampMs earliest{-2};
inline constexpr TimestampMs max_timestamp{-3};  // the record with the highest timestamp
inline constexpr TimestampMs earliest_local{-4};
inline constexpr TimestampMs latest_tiered{-5};
}  // namespace offset_spec

struct ListOffsetsResponse;

struct ListOffsetsRequest {
  static constexpr ApiKey api_key = ApiKey::list_offsets;
  static constexpr Versions versions{0, 9};
  static constexpr Version flexible_since = 6;
  using Response = ListOffsetsResponse;

  struct Topic {
    struct Partition {
      PartitionIndex partition_index{};
      LeaderEpoch current_leader_epoch = LeaderEpoch::none();
      TimestampMs timestamp{};
      std::int32_t max_num_offsets = 1;

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("partition_index", self.partition_index);
        field("current_leader_epoch", self.current_leader_epoch, since(4), ignorable);
        field("timestamp", self.timestamp);
        field("max_num_offsets", self.max_num_offsets, between(0, 0));
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

  BrokerId replica_id{};
  IsolationLevel isolation_level{};
  Array<Topic> topics{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("replica_id", self.replica_id);
    field("isolation_level", self.isolation_level, since(2));
    field("topics", self.topics);
  }
};

struct ListOffsetsResponse {
  using Request = ListOffsetsRequest;

  struct Topic {
    struct Partition {
      PartitionIndex partition_index{};
      ErrorCode error_code{};
      Array<Offset> old_style_offsets{};
      TimestampMs timestamp = TimestampMs::none();
      Offset offset = Offset::none();
      LeaderEpoch leader_epoch = LeaderEpoch::none();

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("partition_index", self.partition_index);
        field("error_code", self.error_code);
        field("old_style_offsets", self.old_style_offsets, between(0, 0));
        field("timestamp", self.timestamp, since(1));
        field("offset", self.offset, since(1));
        field("leader_epoch", self.leader_epoch, since(4));
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
  Array<Topic> topics{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms, since(2), ignorable);
    field("topics", self.topics);
  }
};

}  // namespace millrace::protocol

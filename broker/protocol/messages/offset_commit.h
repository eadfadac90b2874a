// OffsetCommit (key 8): offsets that a group keeps. v0 went to ZooKeeper. Member and generation (v1), retention
// of the request (v2 to v4), leader epochs (v6, KIP-320), static members (v7, KIP-345), member epochs of the new
// protocol (v9, KIP-848), topic ids in place of names (v10, KIP-848).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct OffsetCommitResponse;

struct OffsetCommitRequest {
  static constexpr ApiKey api_key = ApiKey::offset_commit;
  static constexpr Versions versions{0, 10};
  static constexpr Version flexible_since = 8;
  using Response = OffsetCommitResponse;

  struct Topic {
    struct Partition {
      PartitionIndex partition_index{};
      Offset committed_offset{};
      LeaderEpoch committed_leader_epoch = LeaderEpoch::none();
      TimestampMs commit_timestamp = TimestampMs::none();
      NullableString committed_metadata = "";

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("partition_index", self.partition_index);
        field("committed_offset", self.committed_offset);
        field("committed_leader_epoch", self.committed_leader_epoch, since(6), ignorable);
        field("commit_timestamp", self.commit_timestamp, between(1, 1));
        field("committed_metadata", self.committed_metadata, nullable());
      }
    };

    String name{};
    TopicId topic_id{};
    Array<Partition> partitions{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name, between(0, 9), ignorable);
      field("topic_id", self.topic_id, since(10), ignorable);
      field("partitions", self.partitions);
    }
  };

  String group_id{};
  std::int32_t generation_id_or_member_epoch = -1;
  String member_id{};
  NullableString group_instance_id{};
  std::int64_t retention_time_ms = -1;  // -1: the broker's
  Array<Topic> topics{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("group_id", self.group_id);
    field("generation_id_or_member_epoch", self.generation_id_or_member_epoch, since(1), ignorable);
    field("member_id", self.member_id, since(1), ignorable);
    field("group_instance_id", self.group_instance_id, since(7), nullable());
    field("retention_time_ms", self.retention_time_ms, between(2, 4), ignorable);
    field("topics", self.topics);
  }
};

struct OffsetCommitResponse {
  using Request = OffsetCommitRequest;

  struct Topic {
    struct Partition {
      PartitionIndex partition_index{};
      ErrorCode error_code{};

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("partition_index", self.partition_index);
        field("error_code", self.error_code);
      }
    };

    String name{};
    TopicId topic_id{};
    Array<Partition> partitions{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name, between(0, 9), ignorable);
      field("topic_id", self.topic_id, since(10), ignorable);
      field("partitions", self.partitions);
    }
  };

  std::int32_t throttle_time_ms = 0;
  Array<Topic> topics{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms, since(3), ignorable);
    field("topics", self.topics);
  }
};

}  // namespace millrace::protocol

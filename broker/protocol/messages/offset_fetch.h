// OffsetFetch (key 9): the offsets that a group keeps. v0 read ZooKeeper. All topics (v2, KIP-88), leader epochs
// (v5, KIP-320), only stable offsets (v7, KIP-447), many groups at once (v8, KIP-709), member epochs of the new
// protocol (v9, KIP-848), topic ids in place of names (v10, KIP-848).
#pragma once

#include <cstdint>
#include <utility>

#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct OffsetFetchResponse;

struct OffsetFetchRequest {
  static constexpr ApiKey api_key = ApiKey::offset_fetch;
  static constexpr Versions versions{0, 10};
  static constexpr Version flexible_since = 6;
  using Response = OffsetFetchResponse;

  struct Topic {
    String name{};
    Array<PartitionIndex> partition_indexes{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name);
      field("partition_indexes", self.partition_indexes);
    }
  };

  struct Group {
    struct Topic {
      String name{};
      TopicId topic_id{};
      Array<PartitionIndex> partition_indexes{};

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("name", self.name, between(8, 9), ignorable);
        field("topic_id", self.topic_id, since(10), ignorable);
        field("partition_indexes", self.partition_indexes);
      }
    };

    String group_id{};
    NullableString member_id{};
    std::int32_t member_epoch = -1;
    NullableArray<Topic> topics{std::in_place};  // null: all topics

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("group_id", self.group_id);
      field("member_id", self.member_id, since(9), nullable(), ignorable);
      field("member_epoch", self.member_epoch, since(9), ignorable);
      field("topics", self.topics, nullable());
    }
  };

  String group_id{};
  NullableArray<Topic> topics{std::in_place};  // null: all topics
  Array<Group> groups{};
  bool require_stable = false;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("group_id", self.group_id, between(0, 7));
    field("topics", self.topics, between(0, 7), nullable(2));
    field("groups", self.groups, since(8));
    field("require_stable", self.require_stable, since(7));
  }
};

struct OffsetFetchResponse {
  using Request = OffsetFetchRequest;

  struct Topic {
    struct Partition {
      PartitionIndex partition_index{};
      Offset committed_offset{};
      LeaderEpoch committed_leader_epoch = LeaderEpoch::none();
      NullableString metadata = "";
      ErrorCode error_code{};

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("partition_index", self.partition_index);
        field("committed_offset", self.committed_offset);
        field("committed_leader_epoch", self.committed_leader_epoch, since(5), ignorable);
        field("metadata", self.metadata, nullable());
        field("error_code", self.error_code);
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

  struct Group {
    struct Topic {
      struct Partition {
        PartitionIndex partition_index{};
        Offset committed_offset{};
        LeaderEpoch committed_leader_epoch = LeaderEpoch::none();
        NullableString metadata = "";
        ErrorCode error_code{};

        template <class Self, class Fields>
        static void describe(Self& self, Fields& field) {
          field("partition_index", self.partition_index);
          field("committed_offset", self.committed_offset);
          field("committed_leader_epoch", self.committed_leader_epoch);
          field("metadata", self.metadata, nullable());
          field("error_code", self.error_code);
        }
      };

      String name{};
      TopicId topic_id{};
      Array<Partition> partitions{};

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("name", self.name, between(8, 9), ignorable);
        field("topic_id", self.topic_id, since(10), ignorable);
        field("partitions", self.partitions);
      }
    };

    String group_id{};
    Array<Topic> topics{};
    ErrorCode error_code{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("group_id", self.group_id);
      field("topics", self.topics);
      field("error_code", self.error_code);
    }
  };

  std::int32_t throttle_time_ms = 0;
  Array<Topic> topics{};
  ErrorCode error_code{};
  Array<Group> groups{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms, since(3), ignorable);
    field("topics", self.topics, between(0, 7));
    field("error_code", self.error_code, between(2, 7), ignorable);
    field("groups", self.groups, since(8));
  }
};

}  // namespace millrace::protocol

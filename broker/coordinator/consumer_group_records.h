// The records of `__consumer_offsets` that groups of the new protocol are made of (KIP-848; Kafka 4's schemas in its group-coordinator module):
//
//   type 3  the group: its epoch                          6  the epoch of its target assignment
//        4  what it knows of the topics it subscribes to  7  a member's part of the target
//        5  a member: who it is, what it subscribes to    8  what a member has now, and what it has to give up
//                                                        16  what a regular expression stands for
//
// A null value is a tombstone. Written are the bytes of Kafka 4.0, which later ones read; the epoch of each single partition, which 4.3 adds in
// a tagged field (KIP-1251), is skipped. Kafka 3.9 in ZooKeeper mode skips all of these records. Strings are views into what was decoded. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/protocol/fields.h"

namespace millrace::coordinator {

struct ConsumerGroupMetadataKey {
  static constexpr std::string_view name = "ConsumerGroupMetadataKey";
  static constexpr protocol::Versions versions{3, 3};
  static constexpr protocol::Version flexible_since = protocol::highest_version;  // never

  protocol::String group{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("group", self.group);
  }
};

struct ConsumerGroupMetadataValue {
  static constexpr std::string_view name = "ConsumerGroupMetadataValue";
  static constexpr protocol::Versions versions{0, 0};
  static constexpr protocol::Version flexible_since = 0;

  std::int32_t epoch = 0;
  std::int64_t metadata_hash = 0;  // since 4.1, which tells by it whether the group's topics have changed

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("epoch", self.epoch);
    field("metadata_hash", self.metadata_hash, protocol::tag(0));
  }
};

struct ConsumerGroupPartitionMetadataKey {
  static constexpr std::string_view name = "ConsumerGroupPartitionMetadataKey";
  static constexpr protocol::Versions versions{4, 4};
  static constexpr protocol::Version flexible_since = protocol::highest_version;  // never

  protocol::String group{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("group", self.group);
  }
};

struct ConsumerGroupPartitionMetadataValue {
  static constexpr std::string_view name = "ConsumerGroupPartitionMetadataValue";
  static constexpr protocol::Versions versions{0, 0};
  static constexpr protocol::Version flexible_since = 0;

  struct PartitionRacks {
    PartitionIndex partition{};
    protocol::Array<protocol::String> racks{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("partition", self.partition);
      field("racks", self.racks);
    }
  };

  struct Topic {
    TopicId topic_id{};
    protocol::String topic_name{};
    std::int32_t partition_count = 0;
    protocol::Array<PartitionRacks> partition_racks{};  // not used since 4.0

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic_id", self.topic_id);
      field("topic_name", self.topic_name);
      field("partition_count", self.partition_count);
      field("partition_racks", self.partition_racks);
    }
  };

  protocol::Array<Topic> topics{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("topics", self.topics);
  }
};

struct ConsumerGroupMemberMetadataKey {
  static constexpr std::string_view name = "ConsumerGroupMemberMetadataKey";
  static constexpr protocol::Versions versions{5, 5};
  static constexpr protocol::Version flexible_since = protocol::highest_version;  // never

  protocol::String group{};
  protocol::String member_id{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("group", self.group);
    field("member_id", self.member_id);
  }
};

struct ConsumerGroupMemberMetadataValue {
  static constexpr std::string_view name = "ConsumerGroupMemberMetadataValue";
  static constexpr protocol::Versions versions{0, 0};
  static constexpr protocol::Version flexible_since = 0;

  struct ClassicProtocol {
    protocol::String protocol_name{};
    protocol::Bytes metadata{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("protocol_name", self.protocol_name);
      field("metadata", self.metadata);
    }
  };

  struct ClassicMember {
    std::int32_t session_timeout_ms = 0;
    protocol::Array<ClassicProtocol> supported_protocols{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("session_timeout_ms", self.session_timeout_ms);
      field("supported_protocols", self.supported_protocols);
    }
  };

  protocol::NullableString instance_id{};
  protocol::NullableString rack_id{};
  protocol::String client_id{};
  protocol::String client_host{};
  protocol::Array<protocol::String> subscribed_topic_names{};
  protocol::NullableString subscribed_topic_regex{};
  std::int32_t rebalance_timeout_ms = -1;
  protocol::NullableString server_assignor{};
  std::optional<ClassicMember> classic_member{};  // of a member that speaks the classic protocol

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("instance_id", self.instance_id, protocol::nullable());
    field("rack_id", self.rack_id, protocol::nullable());
    field("client_id", self.client_id);
    field("client_host", self.client_host);
    field("subscribed_topic_names", self.subscribed_topic_names);
    field("subscribed_topic_regex", self.subscribed_topic_regex, protocol::nullable());
    field("rebalance_timeout_ms", self.rebalance_timeout_ms);
    field("server_assignor", self.server_assignor, protocol::nullable());
    field("classic_member", self.classic_member, protocol::nullable(), protocol::tag(0));
  }
};

struct ConsumerGroupTargetAssignmentMetadataKey {
  static constexpr std::string_view name = "ConsumerGroupTargetAssignmentMetadataKey";
  static constexpr protocol::Versions versions{6, 6};
  static constexpr protocol::Version flexible_since = protocol::highest_version;  // never

  protocol::String group{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("group", self.group);
  }
};

struct ConsumerGroupTargetAssignmentMetadataValue {
  static constexpr std::string_view name = "ConsumerGroupTargetAssignmentMetadataValue";
  static constexpr protocol::Versions versions{0, 0};
  static constexpr protocol::Version flexible_since = 0;

  std::int32_t assignment_epoch = 0;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("assignment_epoch", self.assignment_epoch);
  }
};

struct ConsumerGroupTargetAssignmentMemberKey {
  static constexpr std::string_view name = "ConsumerGroupTargetAssignmentMemberKey";
  static constexpr protocol::Versions versions{7, 7};
  static constexpr protocol::Version flexible_since = protocol::highest_version;  // never

  protocol::String group{};
  protocol::String member_id{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("group", self.group);
    field("member_id", self.member_id);
  }
};

struct ConsumerGroupTargetAssignmentMemberValue {
  static constexpr std::string_view name = "ConsumerGroupTargetAssignmentMemberValue";
  static constexpr protocol::Versions versions{0, 0};
  static constexpr protocol::Version flexible_since = 0;

  struct TopicPartitions {
    TopicId topic_id{};
    protocol::Array<PartitionIndex> partitions{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic_id", self.topic_id);
      field("partitions", self.partitions);
    }
  };

  protocol::Array<TopicPartitions> topic_partitions{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("topic_partitions", self.topic_partitions);
  }
};

struct ConsumerGroupCurrentMemberAssignmentKey {
  static constexpr std::string_view name = "ConsumerGroupCurrentMemberAssignmentKey";
  static constexpr protocol::Versions versions{8, 8};
  static constexpr protocol::Version flexible_since = protocol::highest_version;  // never

  protocol::String group{};
  protocol::String member_id{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("group", self.group);
    field("member_id", self.member_id);
  }
};

struct ConsumerGroupCurrentMemberAssignmentValue {
  static constexpr std::string_view name = "ConsumerGroupCurrentMemberAssignmentValue";
  static constexpr protocol::Versions versions{0, 0};
  static constexpr protocol::Version flexible_since = 0;

  struct TopicPartitions {
    TopicId topic_id{};
    protocol::Array<PartitionIndex> partitions{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic_id", self.topic_id);
      field("partitions", self.partitions);
    }
  };

  std::int32_t member_epoch = 0;
  std::int32_t previous_member_epoch = 0;  // what the member may still say, when it has not heard of its newest epoch
  std::int8_t state = 0;                   // a MemberState
  protocol::Array<TopicPartitions> assigned_partitions{};
  protocol::Array<TopicPartitions> partitions_pending_revocation{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("member_epoch", self.member_epoch);
    field("previous_member_epoch", self.previous_member_epoch);
    field("state", self.state);
    field("assigned_partitions", self.assigned_partitions);
    field("partitions_pending_revocation", self.partitions_pending_revocation);
  }
};

struct ConsumerGroupRegularExpressionKey {
  static constexpr std::string_view name = "ConsumerGroupRegularExpressionKey";
  static constexpr protocol::Versions versions{16, 16};
  static constexpr protocol::Version flexible_since = protocol::highest_version;  // never

  protocol::String group{};
  protocol::String regular_expression{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("group", self.group);
    field("regular_expression", self.regular_expression);
  }
};

struct ConsumerGroupRegularExpressionValue {
  static constexpr std::string_view name = "ConsumerGroupRegularExpressionValue";
  static constexpr protocol::Versions versions{0, 0};
  static constexpr protocol::Version flexible_since = 0;

  protocol::Array<protocol::String> topics{};
  std::int64_t metadata_version = 0;  // of the cluster's image that the topics are from
  TimestampMs timestamp{};            // of the resolution

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("topics", self.topics);
    field("metadata_version", self.metadata_version);
    field("timestamp", self.timestamp);
  }
};

// A value of the type that `Value` is. Errors: truncated or corrupt, naming the field and the byte; unsupported for a version that is not known.
template <class Value>
Result<Value> decode_consumer_group_value(BytesView bytes);

// One of the keys or values above. Errors: invalid_argument for a string that is longer than 32,767 bytes.
template <class Record>
Result<std::vector<std::uint8_t>> encode_consumer_group_record(const Record& record);

}  // namespace millrace::coordinator

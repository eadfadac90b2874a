// The records of `__consumer_offsets`, as Kafka 3.9 writes and reads them (kafka.coordinator.group.GroupMetadataManager and the schemas
// of its group-coordinator module). The version of a key is the record's type: 0 and 1 an offset, 2 a classic group; 3 to 8 and 16 are what
// groups of the new protocol are made of (consumer_group_records.h); others are those of newer brokers and are skipped. A null value is a
// tombstone.
//
// Written are offset values of version 3, or of version 1 where the request named a retention time, and group values of version 3: what
// inter.broker.protocol.version 3.9-IV0 writes, and older brokers read. All versions are read. Strings and bytes are views into what was
// decoded. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/coordinator/consumer_group_records.h"
#include "broker/protocol/fields.h"

namespace millrace::coordinator {

struct OffsetCommitKey {
  static constexpr std::string_view name = "OffsetCommitKey";
  static constexpr protocol::Versions versions{0, 1};
  static constexpr protocol::Version flexible_since = protocol::highest_version;  // never

  protocol::String group{};
  protocol::String topic{};
  PartitionIndex partition{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("group", self.group);
    field("topic", self.topic);
    field("partition", self.partition);
  }
};

struct OffsetCommitValue {
  static constexpr std::string_view name = "OffsetCommitValue";
  static constexpr protocol::Versions versions{0, 4};
  static constexpr protocol::Version flexible_since = 4;

  Offset offset{};
  LeaderEpoch leader_epoch = LeaderEpoch::none();
  protocol::String metadata{};
  TimestampMs commit_timestamp{};
  TimestampMs expire_timestamp = TimestampMs::none();

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("offset", self.offset);
    field("leader_epoch", self.leader_epoch, protocol::since(3), protocol::ignorable);
    field("metadata", self.metadata);
    field("commit_timestamp", self.commit_timestamp);
    field("expire_timestamp", self.expire_timestamp, protocol::between(1, 1), protocol::ignorable);
  }
};

struct GroupMetadataKey {
  static constexpr std::string_view name = "GroupMetadataKey";
  static constexpr protocol::Versions versions{2, 2};
  static constexpr protocol::Version flexible_since = protocol::highest_version;  // never

  protocol::String group{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("group", self.group);
  }
};

struct GroupMetadataValue {
  static constexpr std::string_view name = "GroupMetadataValue";
  static constexpr protocol::Versions versions{0, 4};
  static constexpr protocol::Version flexible_since = 4;

  struct Member {
    protocol::String member_id{};
    protocol::NullableString group_instance_id{};
    protocol::String client_id{};
    protocol::String client_host{};
    std::int32_t rebalance_timeout_ms = -1;  // version 0 has none: the session timeout counts
    std::int32_t session_timeout_ms = 0;
    protocol::Bytes subscription{};
    protocol::Bytes assignment{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("member_id", self.member_id);
      field("group_instance_id", self.group_instance_id, protocol::since(3), protocol::nullable(3),
            protocol::ignorable);
      field("client_id", self.client_id);
      field("client_host", self.client_host);
      field("rebalance_timeout_ms", self.rebalance_timeout_ms, protocol::since(1), protocol::ignorable);
      field("session_timeout_ms", self.session_timeout_ms);
      field("subscription", self.subscription);
      field("assignment", self.assignment);
    }
  };

  protocol::String protocol_type{};
  std::int32_t generation = 0;
  protocol::NullableString protocol_name{};
  protocol::NullableString leader{};
  TimestampMs current_state_timestamp = TimestampMs::none();
  protocol::Array<Member> members{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("protocol_type", self.protocol_type);
    field("generation", self.generation);
    field("protocol_name", self.protocol_name, protocol::nullable());
    field("leader", self.leader, protocol::nullable());
    field("current_state_timestamp", self.current_state_timestamp, protocol::since(2), protocol::ignorable);
    field("members", self.members);
  }
};

// A key of a type that is not known here.
struct UnknownOffsetsKey {
  protocol::Version type = 0;
};

using ConsumerOffsetsKey =
    std::variant<OffsetCommitKey, GroupMetadataKey, ConsumerGroupMetadataKey, ConsumerGroupPartitionMetadataKey,
                 ConsumerGroupMemberMetadataKey, ConsumerGroupTargetAssignmentMetadataKey,
                 ConsumerGroupTargetAssignmentMemberKey, ConsumerGroupCurrentMemberAssignmentKey,
                 ConsumerGroupRegularExpressionKey, UnknownOffsetsKey>;

// Errors: truncated or corrupt, naming the field and the byte.
Result<ConsumerOffsetsKey> decode_consumer_offsets_key(BytesView bytes);
// Errors also: unsupported for a version that is not known.
Result<OffsetCommitValue> decode_offset_value(BytesView bytes);
Result<GroupMetadataValue> decode_group_value(BytesView bytes);

// Errors: invalid_argument for a string that is longer than 32,767 bytes.
Result<std::vector<std::uint8_t>> encode_key(const OffsetCommitKey& key);
Result<std::vector<std::uint8_t>> encode_key(const GroupMetadataKey& key);
Result<std::vector<std::uint8_t>> encode_value(const OffsetCommitValue& value);
Result<std::vector<std::uint8_t>> encode_value(const GroupMetadataValue& value);

}  // namespace millrace::coordinator

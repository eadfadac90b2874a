// ConsumerGroupDescribe (key 69): state and members of groups of the new protocol (KIP-848). Member types (v1,
// KIP-1099).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/authorized_operations.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

// The protocol that a member speaks.
enum class GroupMemberType : std::int8_t {
  unknown = -1,
  classic = 0,
  consumer = 1,
};

struct ConsumerGroupDescribeResponse;

struct ConsumerGroupDescribeRequest {
  static constexpr ApiKey api_key = ApiKey::consumer_group_describe;
  static constexpr Versions versions{0, 1};
  static constexpr Version flexible_since = 0;
  using Response = ConsumerGroupDescribeResponse;

  Array<String> group_ids{};
  bool include_authorized_operations = false;

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("group_ids", self.group_ids);
    field("include_authorized_operations", self.include_authorized_operations);
  }
};

struct ConsumerGroupDescribeResponse {
  using Request = ConsumerGroupDescribeRequest;

  struct TopicPartitions {
    TopicId topic_id{};
    String topic_name{};
    Array<PartitionIndex> partitions{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic_id", self.topic_id);
      field("topic_name", self.topic_name);
      field("partitions", self.partitions);
    }
  };

  struct Assignment {
    Array<TopicPartitions> topic_partitions{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic_partitions", self.topic_partitions);
    }
  };

  struct Group {
    struct Member {
      String member_id{};
      NullableString instance_id{};
      NullableString rack_id{};
      std::int32_t member_epoch = 0;
      String client_id{};
      String client_host{};
      Array<String> subscribed_topic_names{};
      NullableString subscribed_topic_regex{};
      Assignment assignment{};
      Assignment target_assignment{};
      GroupMemberType member_type = GroupMemberType::unknown;

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("member_id", self.member_id);
        field("instance_id", self.instance_id, nullable());
        field("rack_id", self.rack_id, nullable());
        field("member_epoch", self.member_epoch);
        field("client_id", self.client_id);
        field("client_host", self.client_host);
        field("subscribed_topic_names", self.subscribed_topic_names);
        field("subscribed_topic_regex", self.subscribed_topic_regex, nullable());
        field("assignment", self.assignment);
        field("target_assignment", self.target_assignment);
        field("member_type", self.member_type, since(1), ignorable);
      }
    };

    ErrorCode error_code{};
    NullableString error_message{};
    String group_id{};
    String group_state{};
    std::int32_t group_epoch = 0;
    std::int32_t assignment_epoch = 0;
    String assignor_name{};
    Array<Member> members{};
    std::int32_t authorized_operations = authorized_operations_omitted;

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("error_code", self.error_code);
      field("error_message", self.error_message, nullable());
      field("group_id", self.group_id);
      field("group_state", self.group_state);
      field("group_epoch", self.group_epoch);
      field("assignment_epoch", self.assignment_epoch);
      field("assignor_name", self.assignor_name);
      field("members", self.members);
      field("authorized_operations", self.authorized_operations);
    }
  };

  std::int32_t throttle_time_ms = 0;
  Array<Group> groups{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("groups", self.groups);
  }
};

}  // namespace millrace::protocol

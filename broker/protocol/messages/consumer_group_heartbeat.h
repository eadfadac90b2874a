// ConsumerGroupHeartbeat (key 68): the one request of the new group protocol: join, leave, report and get
// assignments (KIP-848). Regular expressions and member ids by the client (v1, KIP-848, KIP-1082).
#pragma once

#include <cstdint>
#include <optional>

#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct ConsumerGroupHeartbeatResponse;

struct ConsumerGroupHeartbeatRequest {
  static constexpr ApiKey api_key = ApiKey::consumer_group_heartbeat;
  static constexpr Versions versions{0, 1};
  static constexpr Version flexible_since = 0;
  using Response = ConsumerGroupHeartbeatResponse;

  struct TopicPartitions {
    TopicId topic_id{};
    Array<PartitionIndex> partitions{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic_id", self.topic_id);
      field("partitions", self.partitions);
    }
  };

  String group_id{};
  String member_id{};
  std::int32_t member_epoch = 0;  // 0: joins; -1: leaves; -2: a static member leaves for a while
  NullableString instance_id{};
  NullableString rack_id{};
  std::int32_t rebalance_timeout_ms = -1;  // -1, like null below: unchanged since the last one
  NullableArray<String> subscribed_topic_names{};
  NullableString subscribed_topic_regex{};
  NullableString server_assignor{};
  NullableArray<TopicPartitions> topic_partitions{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("group_id", self.group_id);
    field("member_id", self.member_id);
    field("member_epoch", self.member_epoch);
    field("instance_id", self.instance_id, nullable());
    field("rack_id", self.rack_id, nullable());
    field("rebalance_timeout_ms", self.rebalance_timeout_ms);
    field("subscribed_topic_names", self.subscribed_topic_names, nullable());
    field("subscribed_topic_regex", self.subscribed_topic_regex, since(1), nullable());
    field("server_assignor", self.server_assignor, nullable());
    field("topic_partitions", self.topic_partitions, nullable());
  }
};

struct ConsumerGroupHeartbeatResponse {
  using Request = ConsumerGroupHeartbeatRequest;

  struct TopicPartitions {
    TopicId topic_id{};
    Array<PartitionIndex> partitions{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic_id", self.topic_id);
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

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code{};
  NullableString error_message{};
  NullableString member_id{};
  std::int32_t member_epoch = 0;
  std::int32_t heartbeat_interval_ms = 0;
  std::optional<Assignment> assignment{};  // null: unchanged

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("error_code", self.error_code);
    field("error_message", self.error_message, nullable());
    field("member_id", self.member_id, nullable());
    field("member_epoch", self.member_epoch);
    field("heartbeat_interval_ms", self.heartbeat_interval_ms);
    field("assignment", self.assignment, nullable());
  }
};

}  // namespace millrace::protocol

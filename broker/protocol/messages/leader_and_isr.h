// LeaderAndIsr (key 4): the controller makes a broker leader or follower of partitions. Kafka: KafkaController,
// ReplicaManager.becomeLeaderOrFollower. Broker epoch and partitions by topic (v2, KIP-380), reassignments (v3,
// KIP-455), topic ids and the full request (v5, KIP-516), leader recovery (v6, KIP-704), a KRaft controller's
// mark (v7, KIP-866).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/control_request_type.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"
#include "broker/protocol/leader_recovery_state.h"

namespace millrace::protocol {

struct LeaderAndIsrResponse;

struct LeaderAndIsrRequest {
  static constexpr ApiKey api_key = ApiKey::leader_and_isr;
  static constexpr Versions versions{0, 7};
  static constexpr Version flexible_since = 4;
  using Response = LeaderAndIsrResponse;

  struct PartitionState {
    String topic_name{};
    PartitionIndex partition_index{};
    ControllerEpoch controller_epoch{};
    BrokerId leader{};
    LeaderEpoch leader_epoch{};
    Array<BrokerId> isr{};
    std::int32_t partition_epoch = 0;
    Array<BrokerId> replicas{};
    Array<BrokerId> adding_replicas{};
    Array<BrokerId> removing_replicas{};
    bool is_new = false;
    LeaderRecoveryState leader_recovery_state{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic_name", self.topic_name, between(0, 1), ignorable);
      field("partition_index", self.partition_index);
      field("controller_epoch", self.controller_epoch);
      field("leader", self.leader);
      field("leader_epoch", self.leader_epoch);
      field("isr", self.isr);
      field("partition_epoch", self.partition_epoch);
      field("replicas", self.replicas);
      field("adding_replicas", self.adding_replicas, since(3), ignorable);
      field("removing_replicas", self.removing_replicas, since(3), ignorable);
      field("is_new", self.is_new, since(1), ignorable);
      field("leader_recovery_state", self.leader_recovery_state, since(6));
    }
  };

  struct TopicState {
    String topic_name{};
    TopicId topic_id{};
    Array<PartitionState> partition_states{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic_name", self.topic_name);
      field("topic_id", self.topic_id, since(5), ignorable);
      field("partition_states", self.partition_states);
    }
  };

  struct LiveLeader {
    BrokerId broker_id{};
    String host_name{};
    std::int32_t port = 0;

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("broker_id", self.broker_id);
      field("host_name", self.host_name);
      field("port", self.port);
    }
  };

  BrokerId controller_id{};
  bool is_kraft_controller = false;
  ControllerEpoch controller_epoch{};
  BrokerEpoch broker_epoch = BrokerEpoch::none();
  ControlRequestType type{};
  Array<PartitionState> ungrouped_partition_states{};
  Array<TopicState> topic_states{};
  Array<LiveLeader> live_leaders{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("controller_id", self.controller_id);
    field("is_kraft_controller", self.is_kraft_controller, since(7));
    field("controller_epoch", self.controller_epoch);
    field("broker_epoch", self.broker_epoch, since(2), ignorable);
    field("type", self.type, since(5));
    field("ungrouped_partition_states", self.ungrouped_partition_states, between(0, 1));
    field("topic_states", self.topic_states, since(2));
    field("live_leaders", self.live_leaders);
  }
};

struct LeaderAndIsrResponse {
  using Request = LeaderAndIsrRequest;

  struct PartitionError {
    String topic_name{};
    PartitionIndex partition_index{};
    ErrorCode error_code{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic_name", self.topic_name, between(0, 4), ignorable);
      field("partition_index", self.partition_index);
      field("error_code", self.error_code);
    }
  };

  struct Topic {
    TopicId topic_id{};
    Array<PartitionError> partition_errors{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic_id", self.topic_id);
      field("partition_errors", self.partition_errors);
    }
  };

  ErrorCode error_code{};
  Array<PartitionError> partition_errors{};
  Array<Topic> topics{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("error_code", self.error_code);
    field("partition_errors", self.partition_errors, between(0, 4));
    field("topics", self.topics, since(5));
  }
};

}  // namespace millrace::protocol

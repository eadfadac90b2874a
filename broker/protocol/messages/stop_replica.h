// StopReplica (key 5): the controller takes partitions off a broker, with or without their files. Broker epoch
// (v1, KIP-380), partitions by topic with leader epoch and delete flag each (v3, KIP-570), a KRaft controller's
// mark (v4, KIP-866).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct StopReplicaResponse;

struct StopReplicaRequest {
  static constexpr ApiKey api_key = ApiKey::stop_replica;
  static constexpr Versions versions{0, 4};
  static constexpr Version flexible_since = 2;
  using Response = StopReplicaResponse;

  struct UngroupedPartition {
    String topic_name{};
    PartitionIndex partition_index{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic_name", self.topic_name);
      field("partition_index", self.partition_index);
    }
  };

  struct Topic {
    String name{};
    Array<PartitionIndex> partition_indexes{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("name", self.name);
      field("partition_indexes", self.partition_indexes);
    }
  };

  struct TopicState {
    struct PartitionState {
      PartitionIndex partition_index{};
      LeaderEpoch leader_epoch = LeaderEpoch::none();
      bool delete_partition = false;

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("partition_index", self.partition_index);
        field("leader_epoch", self.leader_epoch);
        field("delete_partition", self.delete_partition);
      }
    };

    String topic_name{};
    Array<PartitionState> partition_states{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic_name", self.topic_name);
      field("partition_states", self.partition_states);
    }
  };

  BrokerId controller_id{};
  bool is_kraft_controller = false;
  ControllerEpoch controller_epoch{};
  BrokerEpoch broker_epoch = BrokerEpoch::none();
  bool delete_partitions = false;
  Array<UngroupedPartition> ungrouped_partitions{};
  Array<Topic> topics{};
  Array<TopicState> topic_states{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("controller_id", self.controller_id);
    field("is_kraft_controller", self.is_kraft_controller, since(4));
    field("controller_epoch", self.controller_epoch);
    field("broker_epoch", self.broker_epoch, since(1), ignorable);
    field("delete_partitions", self.delete_partitions, between(0, 2));
    field("ungrouped_partitions", self.ungrouped_partitions, between(0, 0));
    field("topics", self.topics, between(1, 2));
    field("topic_states", self.topic_states, since(3));
  }
};

struct StopReplicaResponse {
  using Request = StopReplicaRequest;

  struct PartitionError {
    String topic_name{};
    PartitionIndex partition_index{};
    ErrorCode error_code{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic_name", self.topic_name);
      field("partition_index", self.partition_index);
      field("error_code", self.error_code);
    }
  };

  ErrorCode error_code{};
  Array<PartitionError> partition_errors{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("error_code", self.error_code);
    field("partition_errors", self.partition_errors);
  }
};

}  // namespace millrace::protocol

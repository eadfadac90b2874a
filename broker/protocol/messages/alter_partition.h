// AlterPartition (key 56): a leader proposes an ISR to the controller (KIP-497). Leader recovery (v1, KIP-704),
// topic ids in place of names (v2, KIP-841), broker epochs of the ISR's members (v3, KIP-903).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"
#include "broker/protocol/leader_recovery_state.h"

namespace millrace::protocol {

struct AlterPartitionResponse;

struct AlterPartitionRequest {
  static constexpr ApiKey api_key = ApiKey::alter_partition;
  static constexpr Versions versions{0, 3};
  static constexpr Version flexible_since = 0;
  using Response = AlterPartitionResponse;

  struct Topic {
    struct Partition {
      struct IsrMember {
        BrokerId broker_id{};
        BrokerEpoch broker_epoch = BrokerEpoch::none();

        template <class Self, class Fields>
        static void describe(Self& self, Fields& field) {
          field("broker_id", self.broker_id);
          field("broker_epoch", self.broker_epoch);
        }
      };

      PartitionIndex partition_index{};
      LeaderEpoch leader_epoch{};
      Array<BrokerId> new_isr{};
      Array<IsrMember> new_isr_with_epochs{};
      LeaderRecoveryState leader_recovery_state{};
      std::int32_t partition_epoch = 0;

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("partition_index", self.partition_index);
        field("leader_epoch", self.leader_epoch);
        field("new_isr", self.new_isr, between(0, 2));
        field("new_isr_with_epochs", self.new_isr_with_epochs, since(3));
        field("leader_recovery_state", self.leader_recovery_state, since(1));
        field("partition_epoch", self.partition_epoch);
      }
    };

    String topic_name{};
    TopicId topic_id{};
    Array<Partition> partitions{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic_name", self.topic_name, between(0, 1), ignorable);
      field("topic_id", self.topic_id, since(2), ignorable);
      field("partitions", self.partitions);
    }
  };

  BrokerId broker_id{};
  BrokerEpoch broker_epoch = BrokerEpoch::none();
  Array<Topic> topics{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("broker_id", self.broker_id);
    field("broker_epoch", self.broker_epoch);
    field("topics", self.topics);
  }
};

struct AlterPartitionResponse {
  using Request = AlterPartitionRequest;

  struct Topic {
    struct Partition {
      PartitionIndex partition_index{};
      ErrorCode error_code{};
      BrokerId leader_id{};
      LeaderEpoch leader_epoch{};
      Array<BrokerId> isr{};
      LeaderRecoveryState leader_recovery_state{};
      std::int32_t partition_epoch = 0;

      template <class Self, class Fields>
      static void describe(Self& self, Fields& field) {
        field("partition_index", self.partition_index);
        field("error_code", self.error_code);
        field("leader_id", self.leader_id);
        field("leader_epoch", self.leader_epoch);
        field("isr", self.isr);
        field("leader_recovery_state", self.leader_recovery_state, since(1), ignorable);
        field("partition_epoch", self.partition_epoch);
      }
    };

    String topic_name{};
    TopicId topic_id{};
    Array<Partition> partitions{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic_name", self.topic_name, between(0, 1), ignorable);
      field("topic_id", self.topic_id, since(2), ignorable);
      field("partitions", self.partitions);
    }
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code{};
  Array<Topic> topics{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("throttle_time_ms", self.throttle_time_ms);
    field("error_code", self.error_code);
    field("topics", self.topics);
  }
};

}  // namespace millrace::protocol

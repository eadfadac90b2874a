// ControlledShutdown (key 7): a broker asks the controller to move its leaderships away. The header of v0 has no
// client id. Broker epoch (v2, KIP-380).
#pragma once

#include <cstdint>

#include "broker/base/types.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/fields.h"

namespace millrace::protocol {

struct ControlledShutdownResponse;

struct ControlledShutdownRequest {
  static constexpr ApiKey api_key = ApiKey::controlled_shutdown;
  static constexpr Versions versions{0, 3};
  static constexpr Version flexible_since = 3;
  using Response = ControlledShutdownResponse;

  BrokerId broker_id{};
  BrokerEpoch broker_epoch = BrokerEpoch::none();

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("broker_id", self.broker_id);
    field("broker_epoch", self.broker_epoch, since(2), ignorable);
  }
};

struct ControlledShutdownResponse {
  using Request = ControlledShutdownRequest;

  struct RemainingPartition {
    String topic_name{};
    PartitionIndex partition_index{};

    template <class Self, class Fields>
    static void describe(Self& self, Fields& field) {
      field("topic_name", self.topic_name);
      field("partition_index", self.partition_index);
    }
  };

  ErrorCode error_code{};
  Array<RemainingPartition> remaining_partitions{};

  template <class Self, class Fields>
  static void describe(Self& self, Fields& field) {
    field("error_code", self.error_code);
    field("remaining_partitions", self.remaining_partitions);
  }
};

}  // namespace millrace::protocol

// /brokers/topics/<topic>/partitions/<index>/state: who leads the partition, since which epoch, and who is in sync. Version 1; the
// znode's own version is the partition epoch. Source: kafka.zk.TopicPartitionStateZNode.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"
#include "broker/base/types.h"

namespace millrace::metadata::znodes {

struct PartitionState {
  BrokerId leader = BrokerId::none();
  LeaderEpoch leader_epoch;
  ControllerEpoch controller_epoch;  // of the controller that last wrote it
  std::vector<BrokerId> isr;
  bool recovering = false;  // elected uncleanly and not yet recovered (KIP-704); written only while it is so

  friend bool operator==(const PartitionState&, const PartitionState&) = default;
};

std::string encode(const PartitionState& state);
Result<PartitionState> decode_partition_state(std::string_view payload);

}  // namespace millrace::metadata::znodes

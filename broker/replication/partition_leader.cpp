#include "broker/replication/partition_leader.h"

#include <algorithm>

namespace millrace::replication {

PartitionLeader::PartitionLeader(BrokerId self, LeaderEpoch leader_epoch, const std::vector<BrokerId>& in_sync_replicas,
                                 Offset log_end_offset, Offset high_watermark, std::optional<Offset> own_offset)
    : self_(self), leader_epoch_(leader_epoch), high_watermark_(std::min(high_watermark, log_end_offset)) {
  for (auto replica : in_sync_replicas) acknowledged_.emplace(replica, Offset::none());
  acknowledged_[self_] = own_offset.value_or(log_end_offset);
  advance();
}

bool PartitionLeader::on_acknowledged(BrokerId replica, Offset log_end_offset) {
  auto known = acknowledged_.find(replica);
  if (known == acknowledged_.end() || known->second >= log_end_offset) return false;
  known->second = log_end_offset;
  return advance();
}

bool PartitionLeader::advance() {
  auto slowest = std::ranges::min_element(acknowledged_, {}, [](const auto& entry) { return entry.second; })->second;
  if (slowest <= high_watermark_) return false;
  high_watermark_ = slowest;
  return true;
}

}  // namespace millrace::replication

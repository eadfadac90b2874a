// The leader's view of one partition: its epoch, the in-sync replicas, the high watermark.
//
//     log start          high watermark         log end
//        |----- committed -----|--- not yet in every ISR ---|
//
// Invariants: the high watermark never moves back within a leader epoch, and it is never above what every in-sync replica
// has acknowledged in this epoch. No I/O and no clock. Owned by the partition's shard.
// Source: kafka.cluster.Partition; KIP-101.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "broker/base/types.h"

namespace millrace::replication {

class PartitionLeader {
 public:
  // `high_watermark` is what was known before this term; it may move at once when the ISR is the leader alone. `own_offset`: what the leader
  // counts of its own log (PartitionLog::synced_offset), all of it when it is not said.
  PartitionLeader(BrokerId self, LeaderEpoch leader_epoch, const std::vector<BrokerId>& in_sync_replicas,
                  Offset log_end_offset, Offset high_watermark, std::optional<Offset> own_offset = std::nullopt);

  [[nodiscard]] LeaderEpoch leader_epoch() const { return leader_epoch_; }
  [[nodiscard]] Offset high_watermark() const { return high_watermark_; }
  [[nodiscard]] std::size_t in_sync_replica_count() const { return acknowledged_.size(); }

  // `replica` (the leader itself for what it counts of its own log) holds everything below `log_end_offset`. True when the high watermark moved.
  // A replica outside the ISR moves nothing.
  bool on_acknowledged(BrokerId replica, Offset log_end_offset);

 private:
  bool advance();

  BrokerId self_;
  LeaderEpoch leader_epoch_;
  std::map<BrokerId, Offset> acknowledged_;  // by in-sync replica; none() until it is heard in this epoch
  Offset high_watermark_;
};

}  // namespace millrace::replication

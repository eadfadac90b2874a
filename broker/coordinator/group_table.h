// The group coordinators of one shard: one for each partition of `__consumer_offsets` that this broker leads and that the shard owns.
// Owned by the shard: every method is called in its tasks. Source: kafka.coordinator.group.GroupCoordinator (onElection, onResignation).
#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "broker/coordinator/group_host.h"

namespace millrace::coordinator {

class GroupTable {
 public:
  // `shard`, `random` and `directory` outlive it. Without a directory, which is the shard's too, there are classic groups only.
  GroupTable(Shard& shard, const GroupTableConfig& config, Random& random, const TopicDirectory* directory = nullptr);
  GroupTable(const GroupTable&) = delete;
  GroupTable& operator=(const GroupTable&) = delete;
  ~GroupTable();

  // A term begins: loads the partition's groups.
  void on_leading(PartitionIndex index, std::shared_ptr<InternalPartition> partition);
  // It is over. Nothing happens where none has begun.
  void on_resigned(PartitionIndex index);
  // The broker stops: every term is over, whoever waits is answered, and none begins any more.
  void unload_all();

  // use(coordinator, time) with the partition's coordinator; where it is not here, with one that answers everything as the partition's
  // former leader does: NOT_COORDINATOR, behind the errors that come before. What use() returns, and the answers it causes, must
  // not call the table again before it has returned.
  template <class Use>
  auto call(PartitionIndex index, Use&& use) {
    const auto found = hosts_.find(index);
    if (found == hosts_.end()) return std::forward<Use>(use)(absent_, now());
    const auto host = found->second;
    return host->call(std::forward<Use>(use));
  }
  // use(coordinator, time) with each coordinator that is here.
  template <class Use>
  void call_each(Use use) {
    for (const auto& [index, host] : hosts_) host->call(use);
  }

  // As GroupCoordinator::convert_to_classic, for all partitions that are here when each of them is loaded. Answered within a call to a
  // coordinator, or at once.
  void convert_to_classic(ClassicConversionAnswer answer);

  // A transaction's marker is in a partition of this shard.
  void on_transaction_marker(PartitionIndex index, ProducerId producer, bool commit);
  // Their topics are gone.
  void on_partitions_deleted(const std::vector<TopicPartition>& partitions);

 private:
  [[nodiscard]] GroupTime now() const { return {shard_.clock().now(), shard_.clock().wall_clock()}; }
  void check_retention_later();

  Shard& shard_;
  const GroupTableConfig config_;
  Random& random_;
  const TopicDirectory* const directory_;
  GroupCoordinator absent_;
  std::map<PartitionIndex, std::shared_ptr<GroupHost>> hosts_;
  Shard::TimerId retention_timer_ = 0;  // runs from the first term on
  bool is_stopped_ = false;
};

}  // namespace millrace::coordinator

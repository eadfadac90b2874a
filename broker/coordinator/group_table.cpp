#include "broker/coordinator/group_table.h"

namespace millrace::coordinator {

GroupTable::GroupTable(Shard& shard, const GroupTableConfig& config, Random& random, const TopicDirectory* directory)
    : shard_(shard), config_(config), random_(random), directory_(directory), absent_(config_.group, random) {
  absent_.unload({});
}

GroupTable::~GroupTable() = default;

void GroupTable::on_leading(PartitionIndex index, std::shared_ptr<InternalPartition> partition) {
  on_resigned(index);
  if (is_stopped_) return;
  auto host = std::make_shared<GroupHost>(shard_, index, std::move(partition), config_, random_, directory_);
  hosts_.emplace(index, host);
  host->load();
  if (retention_timer_ == 0) check_retention_later();
}

void GroupTable::on_resigned(PartitionIndex index) {
  const auto led = hosts_.extract(index);
  if (led) led.mapped()->unload();
}

void GroupTable::unload_all() {
  is_stopped_ = true;
  shard_.cancel(retention_timer_);
  for (const auto& [index, host] : std::exchange(hosts_, {})) host->unload();
}

void GroupTable::convert_to_classic(ClassicConversionAnswer answer) {
  struct Gathered {
    explicit Gathered(ClassicConversionAnswer waiting) : answer(std::move(waiting)) {}
    void end_one(const ClassicConversion& converted) {
      all.add(converted);
      if (--waits_for == 0) answer(all);
    }
    ClassicConversionAnswer answer;
    ClassicConversion all{};
    std::size_t waits_for = 1;
  };
  auto gathered = std::make_shared<Gathered>(std::move(answer));
  gathered->waits_for += hosts_.size();
  for (const auto& [index, host] : hosts_) {
    host->tell([gathered](GroupCoordinator& coordinator, GroupTime time) {
      coordinator.convert_to_classic([gathered](const ClassicConversion& converted) { gathered->end_one(converted); },
                                     time);
    });
  }
  gathered->end_one({});
}

void GroupTable::on_transaction_marker(PartitionIndex index, ProducerId producer, bool commit) {
  const auto found = hosts_.find(index);
  if (found == hosts_.end()) return;
  found->second->tell([producer, commit](GroupCoordinator& coordinator, GroupTime /*time*/) {
    coordinator.complete_transaction(producer, commit);
  });
}

void GroupTable::on_partitions_deleted(const std::vector<TopicPartition>& partitions) {
  for (const auto& [index, host] : hosts_) {
    host->tell([partitions](GroupCoordinator& coordinator, GroupTime time) {
      coordinator.on_partitions_deleted(partitions, time);
    });
  }
}

void GroupTable::check_retention_later() {
  retention_timer_ = shard_.after(config_.retention_check_interval, [this] {
    call_each([](GroupCoordinator& coordinator, GroupTime time) { coordinator.remove_expired(time); });
    check_retention_later();
  });
}

}  // namespace millrace::coordinator

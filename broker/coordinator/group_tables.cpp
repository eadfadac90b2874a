#include "broker/coordinator/group_tables.h"

namespace millrace::coordinator {
namespace {

std::vector<TopicPartition> deleted_partitions(const metadata::ClusterImage& before,
                                               const metadata::ClusterImage& after) {
  std::vector<TopicPartition> deleted;
  metadata::ClusterImage::for_each_changed_topic(before, after, [&](const auto& old, const auto& now) {
    if (old == nullptr || (now != nullptr && now->id == old->id)) return;
    for (const auto& partition : old->partitions) deleted.push_back({old->name, partition.index});
  });
  return deleted;
}

}  // namespace

GroupTables::GroupTables(ShardGroup& shards, const GroupTableConfig& config, Random& random) : shards_(shards) {
  tables_.reserve(shards.size());
  for (ShardId id = 0; id < shards.size(); ++id)
    tables_.push_back(std::make_unique<GroupTable>(shards.at(id), config, random));
}

void GroupTables::follow(metadata::MetadataCache& cache) {
  for (ShardId id = 0; id < shards_.size(); ++id) {
    shards_.at(id).post([&cache, id, table = tables_[id].get()] {
      cache.subscribe(id, [table](const auto& before, const auto& after) {
        const auto deleted = deleted_partitions(*before, *after);
        if (!deleted.empty()) table->on_partitions_deleted(deleted);
      });
    });
  }
}

}  // namespace millrace::coordinator

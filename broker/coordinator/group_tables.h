// The group coordinators of all shards of a broker. Made before the shards have work, gone when they have stopped.
#pragma once

#include <memory>
#include <vector>

#include "broker/coordinator/group_table.h"
#include "broker/metadata/metadata_cache.h"

namespace millrace::coordinator {

class GroupTables {
 public:
  // `shards` and `random` (any thread's) outlive it.
  GroupTables(ShardGroup& shards, const GroupTableConfig& config, Random& random);
  GroupTables(const GroupTables&) = delete;
  GroupTables& operator=(const GroupTables&) = delete;

  // Offsets of topics that are deleted go, from now on. Before the shards run, or from no shard's task; `cache` outlives their work.
  void follow(metadata::MetadataCache& cache);

  [[nodiscard]] GroupTable& table(ShardId shard) { return *tables_[shard]; }  // only in that shard's tasks

 private:
  ShardGroup& shards_;
  std::vector<std::unique_ptr<GroupTable>> tables_;
};

}  // namespace millrace::coordinator

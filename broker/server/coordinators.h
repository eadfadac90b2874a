// The coordinators of this broker: on each shard those of the partitions of the internal topics that it leads. Leadership reaches them
// through replication, deletions of topics through the image.
#pragma once

#include <memory>
#include <vector>

#include "broker/base/shard.h"
#include "broker/coordinator/group_table.h"
#include "broker/metadata/metadata_cache.h"
#include "broker/replication/leadership_observer.h"
#include "broker/server/configuration/broker_configuration.h"

namespace millrace {
class Random;
}

namespace millrace::server {

class Coordinators final : public replication::LeadershipObserver {
 public:
  // All of them outlive the shards' work. `random`: any thread.
  Coordinators(ShardGroup& shards, const BrokerConfiguration& configuration, Random& random);

  // Any thread, while the shards run; `cache` outlives their work. Once.
  void follow(metadata::MetadataCache& cache);

  [[nodiscard]] coordinator::GroupTable& groups(ShardId shard) {
    return *tables_[shard].groups;
  }  // in that shard's tasks

  void on_leading(ShardId shard, const TopicPartition& key,
                  const std::shared_ptr<replication::Partition>& partition) override;
  void on_resigned(ShardId shard, const TopicPartition& key) override;

  // All terms end: who waits is answered, and no term begins any more. Any thread, while the shards run.
  void unload();

 private:
  struct Tables {
    std::unique_ptr<coordinator::GroupTable> groups;
  };

  ShardGroup& shards_;
  const std::size_t offsets_read_bytes_;
  std::vector<Tables> tables_;  // by shard
};

}  // namespace millrace::server

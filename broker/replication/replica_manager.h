// All partitions that this broker hosts, each on the shard that owns it, kept as the cluster's image says: a partition that has
// this broker among its replicas gets a log, one that has it as leader is led, one that is gone loses its log
// (Kafka: ReplicaManager, HostedPartition).
//
// Which shard owns a partition depends on its name alone, so that any shard knows whom to ask without a lookup.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/shard.h"
#include "broker/base/types.h"
#include "broker/log/log_manager.h"
#include "broker/metadata/metadata_cache.h"
#include "broker/replication/leadership_observer.h"
#include "broker/replication/partition.h"

namespace millrace::replication {

// Any thread.
ShardId owner_of(std::string_view topic, PartitionIndex partition, std::size_t shard_count);

// The partitions of one shard. Only its tasks touch it.
class PartitionTable {
 public:
  struct Environment {
    BrokerId self;
    log::LogManager* logs;
    // A topic's configuration: its overrides over the broker's values as that shard has them. In that shard's tasks.
    std::function<PartitionConfig(ShardId shard, const metadata::ConfigMap& overrides)> partition_config;
    LeadershipObserver* leadership = nullptr;  // outlives the shards' work; null: nobody
  };

  PartitionTable(Shard& shard, std::size_t shard_count, Environment environment);
  ~PartitionTable();
  PartitionTable(const PartitionTable&) = delete;
  PartitionTable& operator=(const PartitionTable&) = delete;

  // Null when this broker does not host it, or not yet.
  [[nodiscard]] std::shared_ptr<Partition> find(std::string_view topic, PartitionIndex partition) const;
  // It is hosted here but its log could not be opened, or its disk has failed.
  [[nodiscard]] bool is_offline(std::string_view topic, PartitionIndex partition) const;
  [[nodiscard]] std::size_t size() const;

  // Brings what this shard owns in line with `after`. What it starts goes on after it returns.
  void apply(const metadata::ClusterImage& before, const metadata::ClusterImage& after);
  // The broker's values changed: what partition_config says of every topic is in force from now on.
  void reconfigure(const metadata::ClusterImage& image);
  // The disk under the logs of these, which this shard owns, has failed: they answer `offline` until the next start.
  void go_offline(const std::vector<TopicPartition>& partitions);
  // Calls `done` when this shard has applied the image of that sequence, or a later one, and what followed for the partition is over:
  // it serves, it is offline, or it is gone again. Only for partitions that this shard owns.
  void when_settled(std::string_view topic, PartitionIndex partition, std::uint64_t image_sequence, Job done);

 private:
  class State;
  std::shared_ptr<State> state_;
};

class ReplicaManager {
 public:
  ReplicaManager(ShardGroup& shards, const PartitionTable::Environment& environment);
  ~ReplicaManager();
  ReplicaManager(const ReplicaManager&) = delete;
  ReplicaManager& operator=(const ReplicaManager&) = delete;

  // Takes over what the image of `cache` says and follows it from there, on every shard; `done` runs on `home` when every shard has
  // begun (when_settled tells when a topic is served). Once. `cache` outlives the shards' work.
  void follow(metadata::MetadataCache& cache, Shard& home, Job done);

  [[nodiscard]] Shard& owner(std::string_view topic, PartitionIndex partition);
  [[nodiscard]] PartitionTable& table(ShardId shard) { return *tables_[shard]; }  // only in that shard's tasks

  // Calls `done` on `home` when all partitions of `topic` that are hosted here have settled: those of `image`, which was published.
  void when_settled(Shard& home, const metadata::ClusterImage& image, std::string_view topic, Job done);

 private:
  ShardGroup& shards_;
  const BrokerId self_;
  log::LogManager* const logs_;
  std::vector<std::unique_ptr<PartitionTable>> tables_;
};

}  // namespace millrace::replication

#include "broker/replication/replica_manager.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace millrace::replication {

ReplicaManager::ReplicaManager(ShardGroup& shards, const PartitionTable::Environment& environment)
    : shards_(shards), self_(environment.self), logs_(environment.logs) {
  tables_.reserve(shards.size());
  for (ShardId id = 0; id < shards.size(); ++id) {
    tables_.push_back(std::make_unique<PartitionTable>(shards.at(id), shards.size(), environment));
  }
  if (logs_ == nullptr) return;
  logs_->on_directory_offline([this](const std::string& /*directory*/, const std::vector<TopicPartition>& partitions) {
    std::vector<std::vector<TopicPartition>> by_shard(shards_.size());
    for (const auto& key : partitions) by_shard[owner_of(key.topic, key.partition, shards_.size())].push_back(key);
    for (ShardId id = 0; id < shards_.size(); ++id) {
      if (by_shard[id].empty()) continue;
      shards_.at(id).post([table = tables_[id].get(), mine = std::move(by_shard[id])] { table->go_offline(mine); });
    }
  });
}

ReplicaManager::~ReplicaManager() {
  if (logs_ != nullptr) logs_->on_directory_offline(nullptr);
}

void ReplicaManager::follow(metadata::MetadataCache& cache, Shard& home, Job done) {
  struct Gather {
    std::size_t remaining;
    Job done;
  };
  auto gather = std::make_shared<Gather>(Gather{shards_.size(), std::move(done)});
  for (ShardId id = 0; id < shards_.size(); ++id) {
    shards_.at(id).post([&cache, &home, id, gather, table = tables_[id].get()] {
      cache.subscribe(id, [table](const auto& before, const auto& after) { table->apply(*before, *after); });
      table->apply(metadata::ClusterImage(), *cache.image(id));
      home.post([gather] {
        if (--gather->remaining == 0) gather->done();
      });
    });
  }
}

Shard& ReplicaManager::owner(std::string_view topic, PartitionIndex partition) {
  return shards_.at(owner_of(topic, partition, shards_.size()));
}

void ReplicaManager::when_settled(Shard& home, const metadata::ClusterImage& image, std::string_view topic, Job done) {
  auto known = image.topic(topic);
  if (!known) return home.post(std::move(done));
  struct Gather {
    std::size_t remaining = 1;
    Job done;
  };
  auto gather = std::make_shared<Gather>(Gather{1, std::move(done)});
  auto arrive = [gather] {
    if (--gather->remaining == 0) gather->done();
  };
  for (const auto& partition : known->partitions) {
    if (std::ranges::find(partition.replicas, self_) == partition.replicas.end()) continue;
    ++gather->remaining;
    auto owner_id = owner_of(topic, partition.index, shards_.size());
    shards_.at(owner_id).post(
        [this, owner_id, known, sequence = image.sequence(), index = partition.index, &home, arrive] {
          tables_[owner_id]->when_settled(known->name, index, sequence, [&home, arrive] { home.post(arrive); });
        });
  }
  arrive();
}

}  // namespace millrace::replication

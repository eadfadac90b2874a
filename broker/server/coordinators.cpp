#include "broker/server/coordinators.h"

#include <mutex>
#include <utility>

#include "broker/coordinator/internal_partition.h"
#include "broker/metadata/cluster_image.h"
#include "broker/server/configuration/group_settings.h"
#include "broker/server/internal_topics.h"

namespace millrace::server {
namespace {

// The partitions of the topics that `after` does not have any more, or has made anew.
std::vector<TopicPartition> deleted_partitions(const metadata::ClusterImage& before,
                                               const metadata::ClusterImage& after) {
  std::vector<TopicPartition> deleted;
  metadata::ClusterImage::for_each_changed_topic(before, after, [&](const auto& old, const auto& now) {
    if (!old || (now && now->id == old->id)) return;
    for (const auto& partition : old->partitions) deleted.push_back({old->name, partition.index});
  });
  return deleted;
}

}  // namespace

Coordinators::Coordinators(ShardGroup& shards, const BrokerConfiguration& configuration, Random& random)
    : shards_(shards),
      transaction_config_(transaction_table_config(configuration)),
      offsets_read_bytes_(static_cast<std::size_t>(configuration.values.integer("offsets.load.buffer.size"))),
      transactions_read_bytes_(
          static_cast<std::size_t>(configuration.values.integer("transaction.state.log.load.buffer.size"))),
      tables_(shards.size()) {
  const auto config = group_table_config(configuration.values);
  for (ShardId id = 0; id < shards.size(); ++id) {
    auto& [topics, groups] = tables_[id];
    topics = std::make_unique<ImageTopicDirectory>();
    groups = std::make_unique<coordinator::GroupTable>(shards.at(id), config, random, topics.get());
  }
}

void Coordinators::follow(metadata::MetadataCache& cache) {
  for (ShardId id = 0; id < shards_.size(); ++id) {
    shards_.at(id).post([this, id, &cache] {
      tables_[id].topics->follow(cache.image(id));
      cache.subscribe(id, [this, id](const auto& before, const auto& after) {
        tables_[id].topics->follow(after);
        if (const auto deleted = deleted_partitions(*before, *after); !deleted.empty())
          groups(id).on_partitions_deleted(deleted);
      });
    });
  }
}

void Coordinators::coordinate_transactions(const TransactionParts& parts) {
  marker_writer_ = std::make_unique<MarkerWriter>(
      shards_, parts.replicas, [this](ShardId shard, PartitionIndex partition, ProducerId id, bool commit) {
        groups(shard).on_transaction_marker(partition, id, commit);
      });
  transactions_ = std::make_unique<TransactionCoordinators>(
      TransactionCoordinators::Parts{shards_, parts.self, parts.cache, parts.metadata_shard, parts.producer_ids,
                                     *marker_writer_},
      transaction_config_);
}

void Coordinators::on_leading(ShardId shard, const TopicPartition& key,
                              const std::shared_ptr<replication::Partition>& partition) {
  if (key.topic == group_topic) {
    groups(shard).on_leading(key.partition, coordinator::lead_internal_partition(partition, offsets_read_bytes_));
  } else if (key.topic == transaction_topic) {
    transactions(shard).on_leading(key.partition,
                                   coordinator::lead_internal_partition(partition, transactions_read_bytes_));
  }
}

void Coordinators::on_resigned(ShardId shard, const TopicPartition& key) {
  if (key.topic == group_topic) groups(shard).on_resigned(key.partition);
  if (key.topic == transaction_topic) transactions(shard).on_resigned(key.partition);
}

void Coordinators::convert_groups_to_classic(coordinator::ClassicConversionAnswer done) {
  struct Gathered {
    coordinator::ClassicConversionAnswer done;
    std::mutex mutex;
    coordinator::ClassicConversion all{};
    std::size_t waits_for = 0;
  };
  auto gathered = std::make_shared<Gathered>();
  gathered->done = std::move(done);
  gathered->waits_for = shards_.size();
  for (ShardId id = 0; id < shards_.size(); ++id) {
    shards_.at(id).post([this, id, gathered] {
      groups(id).convert_to_classic([gathered](const coordinator::ClassicConversion& converted) {
        const std::lock_guard lock(gathered->mutex);
        gathered->all.add(converted);
        if (--gathered->waits_for == 0) gathered->done(gathered->all);
      });
    });
  }
}

void Coordinators::unload() {
  for (ShardId id = 0; id < shards_.size(); ++id) {
    shards_.at(id).post([this, id] {
      groups(id).unload_all();
      transactions(id).unload_all();
    });
  }
}

}  // namespace millrace::server

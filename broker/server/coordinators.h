// The coordinators of this broker: on each shard those of the partitions of the internal topics that it leads. Leadership reaches them
// through replication, deletions of topics through the image.
#pragma once

#include <memory>
#include <vector>

#include "broker/base/shard.h"
#include "broker/coordinator/group_table.h"
#include "broker/coordinator/transaction_table.h"
#include "broker/metadata/metadata_cache.h"
#include "broker/replication/leadership_observer.h"
#include "broker/server/configuration/broker_configuration.h"
#include "broker/server/image_topic_directory.h"
#include "broker/server/marker_writer.h"
#include "broker/server/transaction_coordinators.h"

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

  // What transactions need besides; it outlives the shards' work.
  struct TransactionParts {
    BrokerId self;
    metadata::MetadataCache& cache;
    Shard& metadata_shard;
    metadata::ProducerIdBlocks& producer_ids;
    replication::ReplicaManager& replicas;
  };
  // Before `replicas` follows the image. Once.
  void coordinate_transactions(const TransactionParts& parts);

  [[nodiscard]] coordinator::GroupTable& groups(ShardId shard) {
    return *tables_[shard].groups;
  }  // in that shard's tasks
  [[nodiscard]] coordinator::TransactionTable& transactions(ShardId shard) {
    return transactions_->table(shard);
  }  // in that shard's tasks
  [[nodiscard]] MarkerWriter& marker_writer() { return *marker_writer_; }  // any shard

  void on_leading(ShardId shard, const TopicPartition& key,
                  const std::shared_ptr<replication::Partition>& partition) override;
  void on_resigned(ShardId shard, const TopicPartition& key) override;

  // The groups of the protocol of KIP-848 become classic ones, which Kafka 3.9 can load: see GroupCoordinator. `done` is called once, on any
  // shard, when all terms that have begun have answered. Any thread, while the shards run.
  void convert_groups_to_classic(coordinator::ClassicConversionAnswer done);

  // All terms end: who waits is answered, and no term begins any more. Any thread, while the shards run.
  void unload();

 private:
  struct Tables {
    std::unique_ptr<ImageTopicDirectory> topics;
    std::unique_ptr<coordinator::GroupTable> groups;
  };

  ShardGroup& shards_;
  const coordinator::TransactionTableConfig transaction_config_;
  const std::size_t offsets_read_bytes_;
  const std::size_t transactions_read_bytes_;
  std::vector<Tables> tables_;  // by shard
  std::unique_ptr<MarkerWriter> marker_writer_;
  std::unique_ptr<TransactionCoordinators> transactions_;
};

}  // namespace millrace::server

// The broker's transaction coordinators: each shard's table, with what its coordinators need of the broker — the
// partitions' leaders by the shard's image, a way for markers, producer ids of the metadata shard.
//
// Assembled by the broker; handlers reach the tables through BrokerServices.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "broker/base/shard.h"
#include "broker/base/types.h"
#include "broker/coordinator/transaction_table.h"
#include "broker/metadata/metadata_cache.h"
#include "broker/metadata/producer_id_blocks.h"
#include "broker/server/configuration/broker_configuration.h"
#include "broker/server/marker_writer.h"

namespace millrace::server {

[[nodiscard]] coordinator::TransactionTableConfig transaction_table_config(const BrokerConfiguration& configuration);

class TransactionCoordinators {
 public:
  // All of it outlives the tasks of the shards.
  struct Parts {
    ShardGroup& shards;
    BrokerId self;
    metadata::MetadataCache& cache;
    Shard& metadata_shard;
    metadata::ProducerIdBlocks& producer_ids;  // owned by metadata_shard
    MarkerWriter& marker_writer;
  };

  TransactionCoordinators(const Parts& parts, const coordinator::TransactionTableConfig& config);
  TransactionCoordinators(const TransactionCoordinators&) = delete;
  TransactionCoordinators& operator=(const TransactionCoordinators&) = delete;
  ~TransactionCoordinators();

  // Only in that shard's tasks.
  [[nodiscard]] coordinator::TransactionTable& table(ShardId shard);

 private:
  struct OfShard;

  std::vector<std::unique_ptr<OfShard>> shards_;
};

}  // namespace millrace::server

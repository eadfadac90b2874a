#include "broker/server/transaction_coordinators.h"

#include <chrono>
#include <optional>
#include <utility>

#include "broker/server/local_marker_sender.h"
#include "broker/server/producer_id_claim.h"

namespace millrace::server {
namespace {

// As the shard's image says: this broker's store has the whole cluster in it before any coordinator begins.
class ImageLeaders final : public coordinator::PartitionLeaders {
 public:
  ImageLeaders(const metadata::MetadataCache& cache, ShardId shard) : cache_(cache), shard_(shard) {}

  [[nodiscard]] std::optional<BrokerId> leader_of(const TopicPartition& partition) const override {
    const auto& image = *cache_.image(shard_);
    const auto* known = image.partition(partition.topic, partition.partition);
    if (known == nullptr) return std::nullopt;
    return image.broker(known->leader) == nullptr ? BrokerId::none() : known->leader;
  }

 private:
  const metadata::MetadataCache& cache_;
  const ShardId shard_;
};

}  // namespace

coordinator::TransactionTableConfig transaction_table_config(const BrokerConfiguration& configuration) {
  const auto& values = configuration.values;
  coordinator::TransactionTableConfig config;
  config.coordinator.max_timeout_ms = static_cast<std::int32_t>(values.integer("transaction.max.timeout.ms"));
  config.coordinator.id_expiration_ms = values.integer("transactional.id.expiration.ms");
  config.coordinator.request_timeout_ms = static_cast<std::int32_t>(values.integer("request.timeout.ms"));
  config.coordinator.tombstones_bytes_max = static_cast<std::size_t>(values.integer("message.max.bytes"));
  config.abort_interval =
      std::chrono::milliseconds(values.integer("transaction.abort.timed.out.transaction.cleanup.interval.ms"));
  config.expiry_interval =
      std::chrono::milliseconds(values.integer("transaction.remove.expired.transaction.cleanup.interval.ms"));
  return config;
}

struct TransactionCoordinators::OfShard {
  OfShard(const Parts& parts, Shard& shard, const coordinator::TransactionTableConfig& config)
      : leaders(parts.cache, shard.id()),
        sender(parts.self, shard, parts.marker_writer),
        table({shard, leaders, sender,
               [&shard, &metadata_shard = parts.metadata_shard,
                &producer_ids = parts.producer_ids](coordinator::TransactionTable::IdReply reply) {
                 claim_producer_id(shard, metadata_shard, producer_ids, std::move(reply));
               }},
              config) {}

  const ImageLeaders leaders;
  LocalMarkerSender sender;
  coordinator::TransactionTable table;
};

TransactionCoordinators::TransactionCoordinators(const Parts& parts,
                                                 const coordinator::TransactionTableConfig& config) {
  for (ShardId id = 0; id < parts.shards.size(); ++id) {
    shards_.push_back(std::make_unique<OfShard>(parts, parts.shards.at(id), config));
  }
}
TransactionCoordinators::~TransactionCoordinators() = default;

coordinator::TransactionTable& TransactionCoordinators::table(ShardId shard) { return shards_.at(shard)->table; }

}  // namespace millrace::server

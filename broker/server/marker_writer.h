// Ends transactions in the logs of partitions that this broker leads: what WriteTxnMarkers asks for, whether the
// coordinator is another broker or this one. Each marker is appended with acks=all by its partition's shard; what it
// means for offsets of groups counts from then on.
//
// Any shard calls it and is answered; it holds references only. Source: kafka.server.KafkaApis.handleWriteTxnMarkersRequest.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "broker/base/shard.h"
#include "broker/base/task.h"
#include "broker/base/types.h"
#include "broker/log/transaction_marker.h"
#include "broker/protocol/error_code.h"
#include "broker/replication/replica_manager.h"

namespace millrace::server {

// One marker for one partition, and what became of it.
struct MarkerWrite {
  std::string_view topic;
  PartitionIndex partition;
  ProducerId producer_id;
  ProducerEpoch producer_epoch;
  log::TransactionMarker marker;
  // NONE; UNKNOWN_TOPIC_OR_PARTITION: it has no replica here; INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED: a newer one was
  // here before; or an error of Produce.
  protocol::ErrorCode error = protocol::ErrorCode::none;
  std::vector<std::uint8_t> batch{};  // while it is appended
};

class MarkerWriter {
 public:
  // A transaction with offsets of groups has ended in this partition of `__consumer_offsets`; on its shard.
  using OffsetsMarker = std::function<void(ShardId shard, PartitionIndex partition, ProducerId id, bool commit)>;

  // Both outlive it.
  MarkerWriter(ShardGroup& shards, replication::ReplicaManager& replicas, OffsetsMarker on_offsets_marker)
      : shards_(shards), replicas_(replicas), on_offsets_marker_(std::move(on_offsets_marker)) {}

  // Those of one partition in their order. `writes` outlives the task, which ends on `home` when all have their errors.
  Task<void> write(Shard& home, std::vector<MarkerWrite>& writes);

 private:
  void append(ShardId shard, MarkerWrite& write, Job arrive);
  void on_appended(ShardId shard, MarkerWrite& write, const replication::PartitionAppendOutcome& outcome, Job arrive);

  ShardGroup& shards_;
  replication::ReplicaManager& replicas_;
  const OffsetsMarker on_offsets_marker_;
};

}  // namespace millrace::server

// How handlers ask the transaction coordinator of an id, which is on the shard of the id's partition of
// `__transaction_state`.
#pragma once

#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "broker/base/shard.h"
#include "broker/base/task.h"
#include "broker/base/types.h"
#include "broker/coordinator/transaction_coordinator.h"
#include "broker/coordinator/transaction_table.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/versions.h"

namespace millrace::server {

class RequestContext;

struct TransactionCoordinatorPlace {
  PartitionIndex partition;
  ShardId shard;
};

// Of the cluster as the request sees it. Without the topic: of a partition that nobody leads.
[[nodiscard]] TransactionCoordinatorPlace transaction_coordinator_of(RequestContext& context,
                                                                     std::string_view transactional_id);

// Ends on the connection's shard. What `invoke` refers to lives until then.
[[nodiscard]] Task<coordinator::TransactionAnswer> call_transaction_coordinator(
    RequestContext& context, std::string_view transactional_id, coordinator::TransactionTable::Invoke invoke);

// Which of the partitions are part of the producer's open transaction, in their order. Errors: COORDINATOR_NOT_AVAILABLE.
[[nodiscard]] Task<tl::expected<std::vector<coordinator::PartitionVerdict>, protocol::ErrorCode>> verify_partitions(
    RequestContext& context, coordinator::TransactionProducer producer, std::vector<TopicPartition> partitions);

// What verification tells a client that may or may not know TRANSACTION_ABORTABLE (Kafka: AddPartitionsToTxnManager).
[[nodiscard]] constexpr protocol::ErrorCode verification_error_of(protocol::ErrorCode verdict, bool knows_abortable) {
  if (verdict == protocol::ErrorCode::producer_fenced) return protocol::ErrorCode::invalid_producer_epoch;
  if (verdict == protocol::ErrorCode::transaction_abortable && !knows_abortable)
    return protocol::ErrorCode::invalid_txn_state;
  return verdict;
}

// Clients of older versions know INVALID_PRODUCER_EPOCH only (KIP-588).
[[nodiscard]] constexpr protocol::ErrorCode fencing_error_of(protocol::ErrorCode error, protocol::Version version,
                                                             protocol::Version first_with_producer_fenced) {
  const bool is_unknown = error == protocol::ErrorCode::producer_fenced && version < first_with_producer_fenced;
  return is_unknown ? protocol::ErrorCode::invalid_producer_epoch : error;
}

}  // namespace millrace::server

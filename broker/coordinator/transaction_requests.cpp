// The coordinator's requests of a producer that has its id: partitions, verification, end.
#include <algorithm>
#include <utility>

#include "broker/coordinator/transaction_coordinator.h"

namespace millrace::coordinator {
namespace {

using protocol::ErrorCode;

// Of EndTxn where no transaction is open and no record is under way: the outcome of the newest one may be asked for
// again.
ErrorCode repeated_end(TransactionState state, bool commit) {
  switch (state) {
    case TransactionState::complete_commit:
      return commit ? ErrorCode::none : ErrorCode::invalid_txn_state;
    case TransactionState::complete_abort:
      return commit ? ErrorCode::invalid_txn_state : ErrorCode::none;
    default:
      return ErrorCode::invalid_txn_state;
  }
}

}  // namespace

TransactionActions TransactionCoordinator::add_partitions(TransactionCall call, const TransactionProducer& producer,
                                                          std::vector<TopicPartition> partitions, TimestampMs now) {
  TransactionActions actions;
  const auto owned = owned_entry(producer);
  if (!owned) {
    answer(call, owned.error(), actions);
    return actions;
  }
  std::ranges::sort(partitions);
  partitions.erase(std::ranges::unique(partitions).begin(), partitions.end());
  const auto& stored = (*owned)->second.stored();
  if ((*owned)->second.is_pending() || is_prepared(stored.state)) {
    answer(call, ErrorCode::concurrent_transactions, actions);
  } else if (stored.state == TransactionState::ongoing && std::ranges::includes(stored.partitions, partitions)) {
    answer(call, ErrorCode::none, actions);
  } else if (stored.producer_epoch < ProducerEpoch(0)) {
    // The first InitProducerId has failed: nobody can have this producer.
    answer(call, ErrorCode::unknown_server_error, actions);
  } else {
    auto& entry = mutable_entry(producer.transactional_id);
    entry.second.add_partitions(partitions, now);
    append(entry, AppendPurpose::add_partitions, call, now, actions);
  }
  return actions;
}

std::vector<PartitionVerdict> TransactionCoordinator::verify_partitions(const TransactionProducer& producer,
                                                                        std::vector<TopicPartition> partitions) const {
  const auto owned = owned_entry(producer);
  // What is under way does not matter here: the partition's own log has the last word.
  const bool ends = owned && is_prepared((*owned)->second.stored().state);
  std::vector<PartitionVerdict> verdicts;
  verdicts.reserve(partitions.size());
  for (auto& partition : partitions) {
    ErrorCode error = ErrorCode::none;
    if (!owned) {
      error = owned.error();
    } else if (ends) {
      error = ErrorCode::concurrent_transactions;
    } else if (!std::ranges::binary_search((*owned)->second.stored().partitions, partition)) {
      error = ErrorCode::transaction_abortable;
    }
    verdicts.push_back({std::move(partition), error});
  }
  return verdicts;
}

TransactionActions TransactionCoordinator::end(TransactionCall call, const TransactionProducer& producer, bool commit,
                                               TimestampMs now) {
  TransactionActions actions;
  const auto owned = owned_entry(producer);
  if (!owned) {
    answer(call, owned.error(), actions);
  } else if ((*owned)->second.is_pending()) {
    answer(call, ErrorCode::concurrent_transactions, actions);
  } else if ((*owned)->second.stored().state != TransactionState::ongoing) {
    answer(call, repeated_end((*owned)->second.stored().state, commit), actions);
  } else {
    auto& entry = mutable_entry(producer.transactional_id);
    entry.second.prepare(commit, now);
    append(entry, AppendPurpose::end, call, now, actions);
  }
  return actions;
}

}  // namespace millrace::coordinator

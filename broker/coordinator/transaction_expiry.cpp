// What the coordinator does by itself as time goes by: transactions that are open for too long are aborted, ids that
// nobody uses are forgotten.
#include <utility>

#include "broker/base/logging.h"
#include "broker/coordinator/batch_size.h"
#include "broker/coordinator/transaction_coordinator.h"

namespace millrace::coordinator {
namespace {

constexpr Logger logger{"coordinator"};

}  // namespace

TransactionActions TransactionCoordinator::abort_timed_out(TimestampMs now) {
  TransactionActions actions;
  for (auto& entry : entries_) {
    auto& transaction = entry.second;
    const auto& stored = transaction.stored();
    if (transaction.is_pending() || stored.state != TransactionState::ongoing) continue;
    if (stored.start >= now - stored.timeout_ms) continue;
    if (transaction.prepare_fence(now)) {
      append(entry, AppendPurpose::fence_for_timeout, TransactionCall::none(), now, actions);
    } else {
      logger.error("transactional id " + entry.first + " has used up its epochs and cannot be fenced");
    }
  }
  return actions;
}

TransactionActions TransactionCoordinator::expire(TimestampMs now) {
  TransactionActions actions;
  std::vector<std::string> ids;
  std::vector<TransactionRecord> records;
  std::size_t size_bytes = batch_overhead_bytes;
  for (auto& [transactional_id, transaction] : entries_) {
    if (transaction.is_pending() || !is_idle(transaction.stored().state)) continue;
    if (transaction.stored().last_update > now - config_.id_expiration_ms) continue;
    auto tombstone = transaction_tombstone(transactional_id);
    if (!tombstone) continue;
    const std::size_t more_bytes = batched_bytes(*tombstone);
    if (!ids.empty() && size_bytes + more_bytes > config_.tombstones_bytes_max) {
      append_tombstones(std::exchange(ids, {}), std::exchange(records, {}), now, actions);
      size_bytes = batch_overhead_bytes;
    }
    transaction.expire();
    ids.push_back(transactional_id);
    records.push_back(std::move(*tombstone));
    size_bytes += more_bytes;
  }
  if (!ids.empty()) append_tombstones(std::move(ids), std::move(records), now, actions);
  return actions;
}

void TransactionCoordinator::append_tombstones(std::vector<std::string> ids, std::vector<TransactionRecord> records,
                                               TimestampMs now, TransactionActions& actions) {
  actions.appends.push_back({next_append_, coordinator_epoch_, now, config_.request_timeout_ms, std::move(records)});
  appends_.emplace(next_append_, PendingAppend{AppendPurpose::expire, TransactionCall::none(), std::move(ids)});
  next_append_ = next_append_ + 1;
}

void TransactionCoordinator::on_expired(const PendingAppend& pending, bool stored) {
  for (const auto& transactional_id : pending.transactional_ids) {
    if (stored) {
      entries_.erase(transactional_id);
    } else {
      mutable_entry(transactional_id).second.drop_target(false);
    }
  }
}

}  // namespace millrace::coordinator

// What the coordinator tells administrators: ListTransactions, DescribeTransactions.
#include <algorithm>

#include "broker/coordinator/transaction_coordinator.h"

namespace millrace::coordinator {
namespace {

bool matches(const TransactionMetadata& transaction, const TransactionFilter& filter, TimestampMs now) {
  const auto& ids = filter.producer_ids;
  if (!ids.empty() && !std::ranges::binary_search(ids, transaction.producer_id)) return false;
  if (filter.states && std::ranges::find(*filter.states, transaction.state) == filter.states->end()) return false;
  return filter.duration_ms < 0 || now - transaction.start > filter.duration_ms;
}

}  // namespace

tl::expected<std::vector<ListedTransaction>, protocol::ErrorCode> TransactionCoordinator::list(
    const TransactionFilter& filter, TimestampMs now) const {
  if (phase_ == Phase::loading) return tl::unexpected(protocol::ErrorCode::coordinator_load_in_progress);
  std::vector<ListedTransaction> listed;
  for (const auto& [transactional_id, transaction] : entries_) {
    const auto& stored = transaction.stored();
    if (matches(stored, filter, now)) listed.push_back({transactional_id, stored.producer_id, stored.state});
  }
  return listed;
}

tl::expected<const TransactionMetadata*, protocol::ErrorCode> TransactionCoordinator::describe(
    std::string_view transactional_id) const {
  if (transactional_id.empty()) return tl::unexpected(protocol::ErrorCode::invalid_request);
  if (auto refused = refusal()) return tl::unexpected(*refused);
  const auto found = entries_.find(transactional_id);
  if (found == entries_.end()) return tl::unexpected(protocol::ErrorCode::transactional_id_not_found);
  return &found->second.stored();
}

}  // namespace millrace::coordinator

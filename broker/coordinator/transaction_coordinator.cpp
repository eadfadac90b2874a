#include "broker/coordinator/transaction_coordinator.h"

#include <utility>

#include "broker/base/check.h"
#include "broker/coordinator/append_error.h"

namespace millrace::coordinator {

using protocol::ErrorCode;

TransactionActions TransactionCoordinator::begin_load(LeaderEpoch coordinator_epoch) {
  auto actions = unload();
  phase_ = Phase::loading;
  coordinator_epoch_ = coordinator_epoch;
  return actions;
}

TransactionActions TransactionCoordinator::finish_load(TransactionLoad loaded, TimestampMs now) {
  TransactionActions actions;
  if (phase_ != Phase::loading) return actions;
  entries_ = std::move(loaded).finish();
  phase_ = Phase::active;
  for (auto& entry : entries_) {
    if (is_prepared(entry.second.stored().state)) start_completion(entry, now, actions);
  }
  return actions;
}

TransactionActions TransactionCoordinator::unload() {
  TransactionActions actions;
  for (const auto& [id, pending] : appends_) answer(pending.call, ErrorCode::not_coordinator, actions);
  for (const auto& [call, request] : waiting_inits_) answer(call, ErrorCode::not_coordinator, actions);
  phase_ = Phase::not_coordinator;
  coordinator_epoch_ = LeaderEpoch::none();
  entries_.clear();
  appends_.clear();
  markers_.clear();
  waiting_inits_.clear();
  markers_to_retry_.clear();
  completions_to_retry_.clear();
  return actions;
}

std::optional<ErrorCode> TransactionCoordinator::refusal() const {
  if (phase_ == Phase::loading) return ErrorCode::coordinator_load_in_progress;
  if (phase_ == Phase::not_coordinator) return ErrorCode::not_coordinator;
  return std::nullopt;
}

tl::expected<TransactionCoordinator::Entries::const_iterator, ErrorCode> TransactionCoordinator::owned_entry(
    const TransactionProducer& producer) const {
  if (producer.transactional_id.empty()) return tl::unexpected(ErrorCode::invalid_request);
  if (auto refused = refusal()) return tl::unexpected(*refused);
  const auto found = entries_.find(producer.transactional_id);
  if (found == entries_.end() || found->second.stored().producer_id != producer.id) {
    return tl::unexpected(ErrorCode::invalid_producer_id_mapping);
  }
  if (found->second.stored().producer_epoch != producer.epoch) return tl::unexpected(ErrorCode::producer_fenced);
  return found;
}

TransactionCoordinator::Entries::value_type& TransactionCoordinator::mutable_entry(std::string_view transactional_id) {
  const auto found = entries_.find(transactional_id);
  MILLRACE_INVARIANT(found != entries_.end(), "a transactional id is kept as long as something of it is under way");
  return *found;
}

void TransactionCoordinator::answer(TransactionCall call, ErrorCode error, TransactionActions& actions) {
  if (call != TransactionCall::none()) actions.answers.push_back({call, error});
}

void TransactionCoordinator::append(Entries::value_type& entry, AppendPurpose purpose, TransactionCall call,
                                    TimestampMs now, TransactionActions& actions) {
  auto& [transactional_id, transaction] = entry;
  auto record = transaction_record(transactional_id, transaction.target());
  PendingAppend pending{purpose, call, {transactional_id}};
  if (!record) return on_not_stored(pending, ErrorCode::unknown_server_error, actions);
  TransactionAppend wanted{next_append_, coordinator_epoch_, now, transaction.target().timeout_ms, {}};
  wanted.records.push_back(std::move(*record));
  actions.appends.push_back(std::move(wanted));
  appends_.emplace(next_append_, std::move(pending));
  next_append_ = next_append_ + 1;
}

TransactionActions TransactionCoordinator::on_appended(TransactionAppendId id, ErrorCode error, TimestampMs now) {
  TransactionActions actions;
  auto node = appends_.extract(id);
  if (node.empty()) return actions;
  const PendingAppend& pending = node.mapped();
  if (pending.purpose == AppendPurpose::expire) {
    on_expired(pending, error == ErrorCode::none);
  } else if (error == ErrorCode::none) {
    on_stored(pending, now, actions);
  } else {
    on_not_stored(pending, transaction_store_error(error), actions);
  }
  return actions;
}

void TransactionCoordinator::on_stored(const PendingAppend& pending, TimestampMs now, TransactionActions& actions) {
  auto& entry = mutable_entry(pending.transactional_ids.front());
  auto& transaction = entry.second;
  transaction.take_target();
  switch (pending.purpose) {
    case AppendPurpose::init:
      actions.answers.push_back(
          {pending.call, ErrorCode::none, transaction.stored().producer_id, transaction.stored().producer_epoch});
      return;
    case AppendPurpose::add_partitions:
      return answer(pending.call, ErrorCode::none, actions);
    case AppendPurpose::end:
      answer(pending.call, ErrorCode::none, actions);
      return start_completion(entry, now, actions);
    case AppendPurpose::fence_for_init:
      // The client comes again and gets an epoch of its own, when the old transaction is aborted.
      answer(pending.call, ErrorCode::concurrent_transactions, actions);
      return start_completion(entry, now, actions);
    case AppendPurpose::fence_for_timeout:
      return start_completion(entry, now, actions);
    case AppendPurpose::complete:
    case AppendPurpose::expire:
      return;
  }
}

void TransactionCoordinator::on_not_stored(const PendingAppend& pending, ErrorCode error, TransactionActions& actions) {
  const std::string& transactional_id = pending.transactional_ids.front();
  if (pending.purpose == AppendPurpose::complete) {
    completions_to_retry_.push_back(transactional_id);
    return;
  }
  const bool was_fence =
      pending.purpose == AppendPurpose::fence_for_init || pending.purpose == AppendPurpose::fence_for_timeout;
  mutable_entry(transactional_id).second.drop_target(was_fence);
  answer(pending.call, error, actions);
}

}  // namespace millrace::coordinator

// InitProducerId of the coordinator: who gets which producer id and epoch, and whose transaction is aborted for it.
#include <utility>

#include "broker/coordinator/transaction_coordinator.h"

namespace millrace::coordinator {

using protocol::ErrorCode;

TransactionActions TransactionCoordinator::init_producer_id(TransactionCall call, const InitProducerIdCall& request,
                                                            TimestampMs now) {
  TransactionActions actions;
  const bool has_id = request.producer_id != ProducerId::none();
  const bool has_epoch = request.producer_epoch != ProducerEpoch::none();
  if (has_id != has_epoch || request.transactional_id.empty()) {
    answer(call, ErrorCode::invalid_request, actions);
  } else if (request.timeout_ms <= 0 || request.timeout_ms > config_.max_timeout_ms) {
    answer(call, ErrorCode::invalid_transaction_timeout, actions);
  } else {
    WaitingInit wanted{std::string(request.transactional_id), request.timeout_ms, std::nullopt};
    if (has_id) wanted.expected = ExpectedProducer{request.producer_id, request.producer_epoch};
    init(call, wanted, std::nullopt, now, actions);
  }
  return actions;
}

TransactionActions TransactionCoordinator::on_producer_id(TransactionCall call, tl::expected<ProducerId, ErrorCode> id,
                                                          TimestampMs now) {
  TransactionActions actions;
  auto node = waiting_inits_.extract(call);
  if (node.empty()) return actions;
  if (id) {
    init(call, node.mapped(), *id, now, actions);
  } else {
    answer(call, id.error(), actions);
  }
  return actions;
}

// `fresh_id` is used where one is needed: what was true when it was asked for may not be any more.
void TransactionCoordinator::init(TransactionCall call, const WaitingInit& request, std::optional<ProducerId> fresh_id,
                                  TimestampMs now, TransactionActions& actions) {
  if (auto refused = refusal()) return answer(call, *refused, actions);
  auto found = entries_.find(request.transactional_id);
  if (found == entries_.end()) {
    if (!fresh_id) return wait_for_producer_id(call, request, actions);
    TransactionMetadata created;
    created.producer_id = *fresh_id;
    created.timeout_ms = request.timeout_ms;
    created.last_update = now;
    found = entries_.emplace(request.transactional_id, TransactionEntry(std::move(created))).first;
  }
  auto& transaction = found->second;
  if (transaction.is_pending()) return answer(call, ErrorCode::concurrent_transactions, actions);
  if (request.expected && !transaction.allows(*request.expected)) {
    return answer(call, ErrorCode::producer_fenced, actions);
  }
  if (is_idle(transaction.stored().state)) return init_idle(call, request, fresh_id, *found, now, actions);
  if (transaction.stored().state != TransactionState::ongoing) {
    return answer(call, ErrorCode::concurrent_transactions, actions);
  }
  // The epoch of the fence is given to nobody: it only keeps the old producer out while its transaction is aborted.
  if (!transaction.prepare_fence(now)) return answer(call, ErrorCode::unknown_server_error, actions);
  append(*found, AppendPurpose::fence_for_init, call, now, actions);
}

void TransactionCoordinator::init_idle(TransactionCall call, const WaitingInit& request,
                                       std::optional<ProducerId> fresh_id, Entries::value_type& entry, TimestampMs now,
                                       TransactionActions& actions) {
  auto& transaction = entry.second;
  if (transaction.needs_producer_id(request.expected)) {
    if (!fresh_id) return wait_for_producer_id(call, request, actions);
    transaction.rotate(*fresh_id, request.expected.has_value(), request.timeout_ms, now);
  } else {
    const ErrorCode error = transaction.bump_epoch(request.expected, request.timeout_ms, now);
    if (error != ErrorCode::none) return answer(call, error, actions);
  }
  append(entry, AppendPurpose::init, call, now, actions);
}

void TransactionCoordinator::wait_for_producer_id(TransactionCall call, const WaitingInit& request,
                                                  TransactionActions& actions) {
  waiting_inits_.insert_or_assign(call, request);
  actions.producer_ids.push_back(call);
}

}  // namespace millrace::coordinator

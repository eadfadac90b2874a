// The coordinator's markers: who gets them, what their answers mean, when a transaction is complete.
#include <algorithm>
#include <utility>

#include "broker/base/logging.h"
#include "broker/coordinator/transaction_coordinator.h"

namespace millrace::coordinator {
namespace {

using protocol::ErrorCode;

constexpr Logger logger{"coordinator"};

enum class MarkerFate : std::uint8_t { done, again, given_up };

MarkerFate fate_of(ErrorCode error) {
  switch (error) {
    case ErrorCode::none:
    // A log of such a format has no transactions: there is nothing to end.
    case ErrorCode::unsupported_for_message_format:
    case ErrorCode::unsupported_version:
      return MarkerFate::done;
    // A newer coordinator has the transaction, or a newer producer has replaced this one.
    case ErrorCode::invalid_producer_epoch:
    case ErrorCode::transaction_coordinator_fenced:
      return MarkerFate::given_up;
    default:
      return MarkerFate::again;
  }
}

ErrorCode error_of(const TopicPartition& partition, const std::vector<MarkerOutcome>& outcomes) {
  const auto found = std::ranges::find(outcomes, partition, &MarkerOutcome::partition);
  return found == outcomes.end() ? ErrorCode::request_timed_out : found->error;
}

}  // namespace

void TransactionCoordinator::start_completion(Entries::value_type& entry, TimestampMs now,
                                              TransactionActions& actions) {
  entry.second.complete(now);
  const auto partitions = entry.second.stored().partitions;
  send_markers(entry, partitions, actions);
  complete_if_done(entry, now, actions);
}

void TransactionCoordinator::send_markers(Entries::value_type& entry, const std::vector<TopicPartition>& partitions,
                                          TransactionActions& actions) {
  auto& [transactional_id, transaction] = entry;
  std::map<BrokerId, std::vector<TopicPartition>> by_leader;
  for (const auto& partition : partitions) {
    if (auto leader = leaders_.leader_of(partition)) {
      by_leader[*leader].push_back(partition);
    } else {
      transaction.remove_partition(partition);
    }
  }
  for (auto& [leader, led] : by_leader) {
    if (leader == BrokerId::none()) {
      retry_later(transactional_id, led);
      continue;
    }
    const auto& stored = transaction.stored();
    markers_.emplace(next_marker_, PendingMarker{transactional_id, led});
    actions.markers.push_back({next_marker_, leader, stored.producer_id, stored.producer_epoch,
                               stored.state == TransactionState::prepare_commit, coordinator_epoch_, std::move(led)});
    next_marker_ = next_marker_ + 1;
  }
}

void TransactionCoordinator::complete_if_done(Entries::value_type& entry, TimestampMs now,
                                              TransactionActions& actions) {
  if (!entry.second.stored().partitions.empty()) return;
  append(entry, AppendPurpose::complete, TransactionCall::none(), now, actions);
}

TransactionActions TransactionCoordinator::on_markers_written(TransactionMarkerId id,
                                                              const std::vector<MarkerOutcome>& outcomes,
                                                              TimestampMs now) {
  TransactionActions actions;
  auto node = markers_.extract(id);
  if (node.empty()) return actions;
  const PendingMarker& pending = node.mapped();
  auto& entry = mutable_entry(pending.transactional_id);
  std::vector<TopicPartition> again;
  bool given_up = false;
  for (const auto& partition : pending.partitions) {
    const ErrorCode error = error_of(partition, outcomes);
    switch (fate_of(error)) {
      case MarkerFate::done:
        entry.second.remove_partition(partition);
        break;
      case MarkerFate::again:
        again.push_back(partition);
        break;
      case MarkerFate::given_up:
        // The partition stays among those without a marker, so that this term never takes the transaction for complete.
        logger.warning("the marker of transactional id " + pending.transactional_id + " for " + partition.topic + "-" +
                       std::to_string(partition.partition.value()) +
                       " was refused: " + std::string(protocol::to_string(error)));
        given_up = true;
        break;
    }
  }
  if (given_up) return actions;
  if (!again.empty()) {
    retry_later(pending.transactional_id, again);
  } else {
    complete_if_done(entry, now, actions);
  }
  return actions;
}

void TransactionCoordinator::on_markers_lost(TransactionMarkerId id) {
  auto node = markers_.extract(id);
  if (!node.empty()) retry_later(node.mapped().transactional_id, node.mapped().partitions);
}

void TransactionCoordinator::retry_later(const std::string& transactional_id,
                                         const std::vector<TopicPartition>& partitions) {
  auto& waiting = markers_to_retry_[transactional_id];
  waiting.insert(waiting.end(), partitions.begin(), partitions.end());
}

TransactionActions TransactionCoordinator::retry(TimestampMs now) {
  TransactionActions actions;
  for (const auto& [transactional_id, partitions] : std::exchange(markers_to_retry_, {})) {
    auto& entry = mutable_entry(transactional_id);
    send_markers(entry, partitions, actions);
    complete_if_done(entry, now, actions);
  }
  for (const auto& transactional_id : std::exchange(completions_to_retry_, {})) {
    append(mutable_entry(transactional_id), AppendPurpose::complete, TransactionCall::none(), now, actions);
  }
  return actions;
}

}  // namespace millrace::coordinator

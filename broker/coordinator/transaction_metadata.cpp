#include "broker/coordinator/transaction_metadata.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "broker/base/check.h"

namespace millrace::coordinator {

using protocol::ErrorCode;

bool TransactionEntry::needs_producer_id(const std::optional<ExpectedProducer>& expected) const {
  return is_exhausted(stored_.producer_epoch) && (!expected || expected->epoch == stored_.producer_epoch);
}

bool TransactionEntry::allows(const ExpectedProducer& expected) const {
  // A client whose id is the last one and whose epochs are used up may have missed the answer that gave it a new id.
  return stored_.producer_epoch == ProducerEpoch::none() || expected.id == stored_.producer_id ||
         (expected.id == stored_.last_producer_id && is_exhausted(expected.epoch));
}

ErrorCode TransactionEntry::bump_epoch(const std::optional<ExpectedProducer>& expected, std::int32_t timeout_ms,
                                       TimestampMs now) {
  if (is_exhausted(stored_.producer_epoch)) return ErrorCode::unknown_server_error;
  TransactionMetadata target = stored_;
  if (!expected) {
    target.producer_epoch = stored_.producer_epoch + 1;
    target.last_producer_epoch = ProducerEpoch::none();
  } else if (stored_.producer_epoch == ProducerEpoch::none() || expected->epoch == stored_.producer_epoch) {
    target.producer_epoch = stored_.producer_epoch + 1;
    target.last_producer_epoch = stored_.producer_epoch;
  } else if (expected->epoch != stored_.last_producer_epoch) {
    return ErrorCode::producer_fenced;
  }  // else it asks again for the answer that it missed: the same epoch
  target.last_producer_id = stored_.producer_id;
  target.timeout_ms = timeout_ms;
  target.state = TransactionState::empty;
  target.partitions.clear();
  target.start = TimestampMs::none();
  target.last_update = now;
  aim_at(std::move(target));
  return ErrorCode::none;
}

void TransactionEntry::rotate(ProducerId id, bool expected, std::int32_t timeout_ms, TimestampMs now) {
  TransactionMetadata target;
  target.producer_id = id;
  target.last_producer_id = stored_.producer_id;
  target.producer_epoch = ProducerEpoch(0);
  target.last_producer_epoch = expected ? stored_.producer_epoch : ProducerEpoch::none();
  target.timeout_ms = timeout_ms;
  target.last_update = now;
  aim_at(std::move(target));
}

void TransactionEntry::add_partitions(const std::vector<TopicPartition>& added, TimestampMs now) {
  TransactionMetadata target = stored_;
  target.partitions.clear();
  std::ranges::set_union(stored_.partitions, added, std::back_inserter(target.partitions));
  if (stored_.state != TransactionState::ongoing) target.start = now;
  target.state = TransactionState::ongoing;
  target.last_update = now;
  aim_at(std::move(target));
}

void TransactionEntry::prepare(bool commit, TimestampMs now) {
  TransactionMetadata target = stored_;
  target.state = commit ? TransactionState::prepare_commit : TransactionState::prepare_abort;
  target.last_update = now;
  aim_at(std::move(target));
}

bool TransactionEntry::prepare_fence(TimestampMs now) {
  if (stored_.producer_epoch.value() == std::numeric_limits<std::int16_t>::max() && !has_failed_fence_) return false;
  if (!has_failed_fence_) stored_.producer_epoch = stored_.producer_epoch + 1;
  stored_.last_producer_epoch = ProducerEpoch::none();
  prepare(false, now);
  return true;
}

void TransactionEntry::complete(TimestampMs now) {
  TransactionMetadata target = stored_;
  target.state = stored_.state == TransactionState::prepare_commit ? TransactionState::complete_commit
                                                                   : TransactionState::complete_abort;
  target.partitions.clear();
  target.last_update = now;
  has_failed_fence_ = false;
  aim_at(std::move(target));
}

void TransactionEntry::expire() {
  TransactionMetadata target = stored_;
  target.state = TransactionState::dead;
  aim_at(std::move(target));
}

void TransactionEntry::take_target() {
  MILLRACE_INVARIANT(is_pending(), "a record was stored of a transactional id that was storing none");
  stored_ = std::move(*std::exchange(target_, nullptr));
}

void TransactionEntry::drop_target(bool was_fence) {
  target_.reset();
  if (was_fence) has_failed_fence_ = true;
}

void TransactionEntry::remove_partition(const TopicPartition& partition) {
  MILLRACE_INVARIANT(is_prepared(stored_.state), "markers are only written of transactions whose outcome is stored");
  const auto found = std::ranges::lower_bound(stored_.partitions, partition);
  if (found != stored_.partitions.end() && *found == partition) stored_.partitions.erase(found);
}

void TransactionEntry::aim_at(TransactionMetadata target) {
  MILLRACE_INVARIANT(!is_pending(), "a transactional id has one transition at a time");
  MILLRACE_INVARIANT(may_follow(stored_.state, target.state), "no such transition of a transaction");
  target_ = std::make_unique<TransactionMetadata>(std::move(target));
}

}  // namespace millrace::coordinator

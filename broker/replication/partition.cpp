#include "broker/replication/partition.h"

#include <algorithm>
#include <utility>

namespace millrace::replication {

Partition::Partition(BrokerId self, std::shared_ptr<log::PartitionLog> log, const PartitionConfig& config)
    : self_(self), config_(config), log_(std::move(log)) {}

void Partition::set_config(const PartitionConfig& config) {
  if (config == config_) return;
  config_ = config;
  log_->set_config(config.log);
}

Status Partition::lead(LeaderEpoch leader_epoch, const std::vector<BrokerId>& in_sync_replicas) {
  if (leader_ && leader_->leader_epoch() >= leader_epoch) return {};
  if (auto started = log_->start_leader_epoch(leader_epoch); !started) return started;
  leader_.emplace(self_, leader_epoch, in_sync_replicas, log_->log_end_offset(), high_watermark(),
                  log_->synced_offset());
  log_->publish_high_watermark(leader_->high_watermark());
  // The high watermark may have moved, and who waits with the older epoch is to learn of the newer one.
  for (auto& standing : std::exchange(waits_, {})) standing.wait->fire();
  complete_pending();
  count_all();
  return {};
}

// With flush.messages=1, what is not on the disk yet counts once it is; no append may come that would say so.
void Partition::count_all() {
  const auto end = log_->log_end_offset();
  if (log_->synced_offset() >= end) return;
  log_->flush([self = shared_from_this(), end, term = leader_epoch()](const Status& synced) {
    if (!synced || self->leader_epoch() != term || self->log_->synced_offset() < end) return;
    self->on_appended(end, 0);
  });
}

void Partition::resign() { end_leadership(PartitionRefusal::not_leader); }
void Partition::go_offline() { end_leadership(PartitionRefusal::offline); }

void Partition::end_leadership(PartitionRefusal why) {
  leader_.reset();
  log_->end_leader_epoch();
  for (auto& standing : std::exchange(waits_, {})) standing.wait->fire();
  for (auto& append : std::exchange(pending_, {})) append.done(tl::unexpected(AppendFailure{why, {}}));
}

Offset Partition::high_watermark() const {
  // What it was in the last term, or at the last checkpoint: leading again does not move it back.
  return leader_ ? leader_->high_watermark() : Offset(log_->published().high_watermark.load(std::memory_order_relaxed));
}

Offset Partition::last_stable_offset() const {
  auto unstable = log_->first_unstable_offset();
  return unstable == Offset::none() ? high_watermark() : std::min(unstable, high_watermark());
}

std::optional<PartitionRefusal> Partition::check_leader(LeaderEpoch current_leader_epoch) const {
  if (log_->is_offline()) return PartitionRefusal::offline;
  if (!leader_) return PartitionRefusal::not_leader;
  if (current_leader_epoch == LeaderEpoch::none() || current_leader_epoch == leader_->leader_epoch())
    return std::nullopt;
  return current_leader_epoch < leader_->leader_epoch() ? PartitionRefusal::fenced_leader_epoch
                                                        : PartitionRefusal::unknown_leader_epoch;
}

void Partition::behind(CallSource source, Job job) {
  if (!log_->is_checking(source)) return job();
  log_->after_check(source, std::move(job));
}

template <class Call, class Completion>
void Partition::in_order(const Call& call, Completion done, void (Partition::*carry_out)(const Call&, Completion)) {
  if (!log_->is_checking(call.source)) return (this->*carry_out)(call, std::move(done));
  behind(call.source, [self = shared_from_this(), call, carry_out, done = std::move(done)]() mutable {
    ((*self).*carry_out)(call, std::move(done));
  });
}

void Partition::append(const AppendCall& call, PartitionAppendCompletion done) {
  in_order(call, std::move(done), &Partition::append_now);
}
void Partition::fetch(const FetchCall& call, PartitionFetchCompletion done) {
  in_order(call, std::move(done), &Partition::fetch_now);
}
void Partition::find_offset(const OffsetCall& call, PartitionOffsetCompletion done) {
  in_order(call, std::move(done), &Partition::find_offset_now);
}

void Partition::append_now(const AppendCall& call, PartitionAppendCompletion done) {
  auto refusal = check_leader(call.current_leader_epoch);
  if (!refusal && call.all_replicas && leader_->in_sync_replica_count() < config_.min_in_sync_replicas) {
    refusal = PartitionRefusal::not_enough_replicas;
  }
  if (refusal) return done(tl::unexpected(AppendFailure{refusal, {}}));
  log::AppendRequest request{call.batches, call.origin, leader_->leader_epoch(),
                             call.now,     call.source, call.verification};
  log_->append(request, [self = shared_from_this(), all_replicas = call.all_replicas,
                         done = std::move(done)](log::AppendOutcome outcome) mutable {
    if (!outcome) return done(tl::unexpected(AppendFailure{std::nullopt, std::move(outcome.error())}));
    self->on_appended(outcome->last_offset + 1, outcome->size_bytes);
    if (all_replicas && !self->leader_) {
      // The append waited for a sync and the term has ended meanwhile: nobody knows whether the next leader has it.
      return done(tl::unexpected(
          AppendFailure{self->check_leader(LeaderEpoch::none()).value_or(PartitionRefusal::not_leader), {}}));
    }
    if (all_replicas && outcome->last_offset >= self->high_watermark()) {
      self->pending_.push_back({outcome->last_offset, *outcome, std::move(done)});
      return;
    }
    done(*outcome);
  });
}

void Partition::on_appended(Offset end, std::uint64_t size_bytes) {
  // Up to this append only: those behind it may still wait for their sync.
  if (!leader_ || !leader_->on_acknowledged(self_, end)) return;
  log_->publish_high_watermark(leader_->high_watermark());
  std::erase_if(waits_, [](const auto& standing) { return standing.wait->fired(); });
  const auto stable = last_stable_offset();
  for (const auto& standing : waits_) {
    if (!standing.read_committed && size_bytes > 0) {
      standing.wait->add(static_cast<std::int64_t>(size_bytes));
    } else if ((standing.read_committed ? stable : high_watermark()) > standing.seen) {
      standing.wait->look_again();
    }
  }
  complete_pending();
}

void Partition::complete_pending() {
  auto above =
      std::ranges::find_if(pending_, [&](const auto& append) { return append.last_offset >= high_watermark(); });
  std::vector<PendingAppend> ready(std::make_move_iterator(pending_.begin()), std::make_move_iterator(above));
  pending_.erase(pending_.begin(), above);
  for (auto& append : ready) append.done(append.result);
}

void Partition::fetch_now(const FetchCall& call, PartitionFetchCompletion done) {
  if (auto refusal = check_leader(call.current_leader_epoch)) return done(tl::unexpected(FetchFailure{refusal, {}}));
  const Offset stable = last_stable_offset();
  log::ReadRequest request{call.offset, call.read_committed ? stable : high_watermark(), call.max_bytes,
                           call.min_one_message, call.read_committed};
  const FetchFormat format{config_.log.compression, config_.log.message_downconversion};
  log_->read(request,
             [watermark = high_watermark(), stable, format, done = std::move(done)](log::ReadOutcome outcome) mutable {
               if (!outcome)
                 return done(tl::unexpected(FetchFailure{std::nullopt, std::move(outcome.error()), format}));
               done(FetchResult{std::move(outcome->records), outcome->first_batch_bytes, watermark, stable,
                                outcome->log_start_offset, format, std::move(outcome->aborted)});
             });
}

void Partition::find_offset_now(const OffsetCall& call, PartitionOffsetCompletion done) {
  if (auto refusal = check_leader(call.current_leader_epoch)) return done(tl::unexpected(FetchFailure{refusal, {}}));
  const auto timestamp = call.timestamp;
  const Offset visible = call.read_committed ? last_stable_offset() : high_watermark();
  if (timestamp == log::OffsetSpec::latest) {
    return done(log::TimestampOffset{TimestampMs::none(), visible, leader_->leader_epoch()});
  }
  log_->find_offset(timestamp, [visible, timestamp, done = std::move(done)](log::TimestampOutcome outcome) mutable {
    if (!outcome) return done(tl::unexpected(FetchFailure{std::nullopt, std::move(outcome.error())}));
    // A record that consumers may not see yet is not an answer to a question about time (Kafka: Partition.fetchOffsetForTimestamp).
    bool by_time = timestamp.value() >= 0 || timestamp == log::OffsetSpec::max_timestamp;
    if (by_time && outcome->offset >= visible) return done(log::TimestampOffset{});
    done(*outcome);
  });
}

tl::expected<log::EpochEndOffset, PartitionRefusal> Partition::end_offset_for_epoch(LeaderEpoch current_leader_epoch,
                                                                                    LeaderEpoch requested) const {
  if (auto refusal = check_leader(current_leader_epoch)) return tl::unexpected(*refusal);
  return log_->end_offset_for_epoch(requested);
}

PartitionDeletionOutcome Partition::delete_records(Offset offset) {
  if (auto refusal = check_leader(LeaderEpoch::none()))
    return tl::unexpected(*refusal == PartitionRefusal::offline ? DeletionFailure::offline
                                                                : DeletionFailure::not_leader);
  if (!log_->config().deleted_by_age_or_size) return tl::unexpected(DeletionFailure::policy);
  const auto wanted = offset == Offset::none() ? high_watermark() : offset;
  if (wanted < Offset(0) || wanted > high_watermark()) return tl::unexpected(DeletionFailure::offset_out_of_range);
  if (!log_->advance_log_start_offset(wanted)) return tl::unexpected(DeletionFailure::offset_out_of_range);
  return log_->log_start_offset();
}

void Partition::wait_for_records(FetchWaitPointer wait, Offset seen, bool read_committed) {
  if (!leader_) return wait->fire();
  if ((read_committed ? last_stable_offset() : high_watermark()) > seen) return wait->look_again();
  waits_.push_back({std::move(wait), seen, read_committed});
}

void Partition::forget(const FetchWait* wait) {
  std::erase_if(waits_, [&](const auto& standing) { return standing.wait.get() == wait; });
}

}  // namespace millrace::replication

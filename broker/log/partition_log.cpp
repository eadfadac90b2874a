#include "broker/log/partition_log.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "broker/base/check.h"
#include "broker/log/log_directory.h"
#include "broker/log/partition_log_state.h"

namespace millrace::log {

PartitionLog::State::State(PartitionLog& owner, std::unique_ptr<LoadedLog> loaded,
                           std::shared_ptr<LogEnvironment> shared, Shard& of_shard)
    : self(owner),
      environment(std::move(shared)),
      log(std::move(loaded)),
      shard(of_shard),
      name(partition_directory_name(log->partition)),
      resident_segment_(log->segments.back()->base_offset()),
      resident_position_(log->resident_from_position),
      epochs_dirty_(log->epochs_changed),
      directory_dirty_(!log->report.clean),
      last_flush_(shard.clock().now()),
      last_producer_expiry_(last_flush_) {
  if (const auto number = environment->health->directory_of(log->directory); number < environment->journals.size())
    journal_ = environment->journals[number];
  size_bytes_ = log->segments.size_bytes();
  published_directory_ = log->directory;
  published.high_watermark = log->high_watermark.value();
  publish();
  for (auto* numbers : {&environment->recovery_points, &environment->log_starts, &environment->high_watermarks})
    numbers->set();
}

void PartitionLog::State::publish() {
  environment->log_starts.publish(published.log_start_offset, log->log_start.value());
  environment->log_starts.publish(published.first_segment_offset, first_segment_on_disk().value());
  published.log_end_offset.store(log->log_end.value(), std::memory_order_relaxed);
  environment->recovery_points.publish(published.recovery_point, log->recovery_point.value());
  published.cleaned_to.store(log->cleaned_to.value_or(Offset(-1)).value(), std::memory_order_relaxed);
  published.size_bytes.store(size_bytes_, std::memory_order_relaxed);
  published.file_delete_delay_ms.store(log->config.file_delete_delay_ms, std::memory_order_relaxed);
  published.segments.store(static_cast<std::uint32_t>(log->segments.size()), std::memory_order_relaxed);
}

ReadError PartitionLog::State::read_error(ReadErrorKind kind, std::string message) const {
  return {kind, std::move(message), log->log_start, log->log_end};
}

PartitionLog::PartitionLog(std::unique_ptr<LoadedLog> loaded, std::shared_ptr<LogEnvironment> environment, Shard& shard)
    : state_(std::make_unique<State>(*this, std::move(loaded), std::move(environment), shard)) {}

PartitionLog::~PartitionLog() = default;

const TopicPartition& PartitionLog::topic_partition() const { return state_->log->partition; }
const TopicId& PartitionLog::topic_id() const { return state_->log->topic_id; }
std::string PartitionLog::directory() const {
  std::lock_guard lock(state_->directory_mutex_);
  return state_->published_directory_;
}
const PublishedOffsets& PartitionLog::published() const { return state_->published; }
const RecoveryReport& PartitionLog::recovery() const { return state_->log->report; }
Shard& PartitionLog::shard() const { return state_->shard; }

void PartitionLog::append(AppendRequest request, AppendCompletion done) {
  if (state_->holding()) {
    const auto source = request.source;
    return state_->hold(source,
                        [self = shared_from_this(), request, of_term = state_->term, done = std::move(done)]() mutable {
                          self->state_->append_held(request, of_term, std::move(done));
                        });
  }
  state_->append_now(request, std::move(done));
}

void PartitionLog::State::append_now(const AppendRequest& request, AppendCompletion done) {
  auto outcome = append(request);
  if (!outcome && outcome.error().kind == AppendErrorKind::takes_long) return check_on_worker(request, std::move(done));
  complete_in_order(std::move(outcome), std::move(done));
}

bool PartitionLog::is_checking(AppendSource source) const { return state_->is_checking(source); }
void PartitionLog::after_check(AppendSource source, Job job) { state_->after_check(source, std::move(job)); }

void PartitionLog::read(const ReadRequest& request, ReadCompletion done) {
  state_->read(request, request.offset, std::move(done));
}

void PartitionLog::find_offset(TimestampMs timestamp, TimestampCompletion done) {
  const auto& log = *state_->log;
  if (auto refused = state_->unreadable()) {
    done(tl::unexpected(std::move(*refused)));
  } else if (timestamp == OffsetSpec::earliest || timestamp == OffsetSpec::earliest_local) {
    done(TimestampOffset{TimestampMs::none(), log.log_start, log.epochs.epoch_for(log.log_start)});
  } else if (timestamp == OffsetSpec::latest) {
    done(TimestampOffset{TimestampMs::none(), log.log_end, log.epochs.latest()});
  } else if (timestamp == OffsetSpec::max_timestamp) {
    state_->find_max_timestamp(std::move(done));
  } else if (timestamp < TimestampMs(0)) {
    done(TimestampOffset{});
  } else {
    state_->find_timestamp(timestamp, log.segments.front()->base_offset(), std::move(done));
  }
}

Offset PartitionLog::log_start_offset() const { return state_->log->log_start; }
Offset PartitionLog::log_end_offset() const { return state_->log->log_end; }
Offset PartitionLog::synced_offset() const {
  return state_->log->config.flush_messages == 1 ? std::min(state_->on_disk_to(), log_end_offset()) : log_end_offset();
}
Offset PartitionLog::recovery_point() const { return state_->log->recovery_point; }
Offset PartitionLog::first_unstable_offset() const {
  const auto first = state_->log->producers.first_unstable_offset();
  return first == Offset::none() ? first : std::max(first, state_->log->log_start);
}
std::vector<ProducerEntry> PartitionLog::producers() const { return state_->log->producers.entries(); }

tl::expected<void, AppendError> PartitionLog::verify_transaction(ProducerId id, ProducerEpoch epoch,
                                                                 VerificationGuard guard) {
  ProducerAppend append;
  append.id = id;
  append.epoch = epoch;
  append.first_sequence = Sequence::none();
  return state_->log->producers.verify(append, guard, state_->shard.clock().wall_clock());
}

std::uint64_t PartitionLog::size_bytes() const { return state_->size_bytes_; }

Offset PartitionLog::checkpointed_high_watermark() const { return state_->log->high_watermark; }

void PartitionLog::publish_high_watermark(Offset high_watermark) {
  state_->environment->high_watermarks.publish(state_->published.high_watermark, high_watermark.value());
  state_->log->producers.on_high_watermark(high_watermark);
}

LeaderEpoch PartitionLog::latest_leader_epoch() const { return state_->log->epochs.latest(); }
LeaderEpoch PartitionLog::leader_epoch_for(Offset offset) const { return state_->log->epochs.epoch_for(offset); }
EpochEndOffset PartitionLog::end_offset_for_epoch(LeaderEpoch requested) const {
  return state_->log->epochs.end_offset_for(requested, state_->log->log_end);
}

Status PartitionLog::start_leader_epoch(LeaderEpoch epoch) {
  if (epoch < LeaderEpoch(0))
    return fail(ErrorKind::invalid_argument, "leader epoch " + std::to_string(epoch.value()) + " is negative");
  if (state_->failure)
    return fail(ErrorKind::io, state_->name + " is not led until it is recovered: " + *state_->failure);
  ++state_->term;
  if (state_->log->epochs.assign(epoch, state_->log->log_end)) state_->epochs_changed();
  return {};
}

void PartitionLog::end_leader_epoch() { ++state_->term; }

void PartitionLog::flush(UniqueFunction<void(Status)> done) { state_->flush_to(state_->log->log_end, std::move(done)); }

// Whether housekeeping would find nothing to do, now and until note_duties is called again.
bool PartitionLog::State::rests() const {
  if (stopped || offline) return true;
  const bool flushes = log->config.flush_ms < std::numeric_limits<std::int64_t>::max();
  return !epochs_dirty_ && log->producers.empty() && !(flushes && log->recovery_point < log->log_end);
}

void PartitionLog::State::note_duties() {
  if (has_duties_ || rests()) return;
  has_duties_ = true;
  environment->duties.add(&self, self.weak_from_this());
}

void PartitionLog::housekeeping(TimestampMs now) {
  auto& state = *state_;
  if (state.has_duties_ && state.rests()) {
    state.has_duties_ = false;
    state.environment->duties.remove(this);
  }
  if (state.stopped || state.offline) return;
  const auto monotonic = state.shard.clock().now();
  if (monotonic - state.last_producer_expiry_ >= state.environment->options.producer_id_expiration_check_interval) {
    state.last_producer_expiry_ = monotonic;
    state.log->producers.remove_expired(now);
  }
  if (state.epochs_unwritten()) state.write_epochs();
  const auto since_flush = std::chrono::duration_cast<std::chrono::milliseconds>(monotonic - state.last_flush_);
  if (since_flush.count() >= state.log->config.flush_ms && state.log->recovery_point < state.log->log_end) {
    state.flush_to(state.log->log_end, [](const Status&) {});
  }
}

const LogConfig& PartitionLog::config() const { return state_->log->config; }
void PartitionLog::set_config(const LogConfig& config) {
  state_->log->config = config;
  if (state_->is_copy) {
    // Its maker says when it is synced.
    state_->log->config.flush_messages = std::numeric_limits<std::int64_t>::max();
    state_->log->config.flush_ms = std::numeric_limits<std::int64_t>::max();
  }
  state_->note_duties();
  if (!config.compacted) state_->compaction_aborted = true;
  state_->schedule_retention();
  if (state_->copy_ != nullptr) state_->copy_->set_config(config);
}

void PartitionLog::stop() {
  state_->stopped = true;
  state_->compaction_aborted = true;
  state_->schedule_retention();
}
void PartitionLog::leave_journal() { state_->leave_journal(); }
void PartitionLog::when_idle(Job done) { state_->when_idle(std::move(done)); }

Status PartitionLog::close() { return state_->close(); }

}  // namespace millrace::log

// A log that goes on with files that were made for it in another log directory.
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "broker/log/checkpoint_file.h"
#include "broker/log/log_directory.h"
#include "broker/log/partition_log_state.h"
#include "broker/log/producer_replay.h"

namespace millrace::log {

struct PartitionLog::State::Takeover {
  std::shared_ptr<PartitionLog> copy;
  UniqueFunction<Result<std::string>()> rename;
  UniqueFunction<void(Status)> done;
  bool begun = false;

  // For the pool.
  std::shared_ptr<LogEnvironment> environment;
  std::string directory;  // the copy's; afterwards the one that it was renamed to
  std::vector<EpochStart> epochs;
  std::vector<ProducerEntry> producers;
  Offset log_start;
  Offset log_end;

  Status carry_out();
};

// The copy knows epochs and producers by its batches only; the log may know of more, and may have forgotten some.
Status PartitionLog::State::Takeover::carry_out() {
  auto& files = environment->files;
  auto written = write_epoch_checkpoint(files, directory + "/" + std::string(leader_epoch_checkpoint_name), epochs);
  if (written && log_start < log_end) written = write_producer_snapshot(files, directory, log_end, producers);
  if (written) written = files.sync_directory(directory);
  if (!written) return written;
  auto renamed = rename();
  if (!renamed) return tl::unexpected(renamed.error());
  directory = std::move(*renamed);
  return {};
}

void PartitionLog::State::take_over(std::shared_ptr<PartitionLog> copy, UniqueFunction<Result<std::string>()> rename,
                                    UniqueFunction<void(Status)> done) {
  auto takeover = std::make_shared<Takeover>();
  takeover->copy = std::move(copy);
  takeover->rename = std::move(rename);
  takeover->done = std::move(done);
  change_exclusively([this, takeover] { return begin_takeover(takeover); },
                     [this, takeover](const Status& status) { taken_over(*takeover, status); });
}

UniqueFunction<Status()> PartitionLog::State::begin_takeover(const std::shared_ptr<Takeover>& takeover) {
  auto& job = *takeover;
  auto& copy = *job.copy->state_;
  if (failure || copy.failure) {
    return [why = "a log does not move that needs recovery: " + (failure ? *failure : *copy.failure)]() -> Status {
      return fail(ErrorKind::io, why);
    };
  }
  const bool complete = copy.log->log_end == log->log_end && copy.log->recovery_point == log->log_end;
  // A truncation that waits behind this would not be told to the copy.
  if (!complete || cleaning || truncations_ > 0 || copy.stopped || !copy.is_idle())
    return []() -> Status { return fail(ErrorKind::cancelled, "the copy is not complete"); };
  job.begun = true;
  copy.changing_ = true;
  job.environment = environment;
  job.directory = copy.log->directory;
  job.epochs = log->epochs.entries();
  job.producers = log->producers.entries();
  job.log_start = log->log_start;
  job.log_end = log->log_end;
  return [takeover] { return takeover->carry_out(); };
}

void PartitionLog::State::taken_over(Takeover& takeover, const Status& status) {
  if (takeover.begun) {
    auto& copy = *takeover.copy->state_;
    copy.changing_ = false;
    if (status) {
      adopt(copy, takeover);
    } else {
      copy.serve_next();
    }
  }
  takeover.done(status);
}

void PartitionLog::State::adopt(State& copy, Takeover& takeover) {
  copy.stopped = true;
  std::swap(log->segments, copy.log->segments);
  copy.log->directory = std::exchange(log->directory, takeover.directory);
  for (const auto& segment : log->segments) segment->moved_to(log->directory);
  {
    std::lock_guard lock(directory_mutex_);
    published_directory_ = log->directory;
  }
  // What was to leave the old directory goes with it.
  waiting_retirements_.clear();
  unwritten_snapshots_.clear();
  log->recovery_point = takeover.log_end;
  log->producer_snapshot_offset = takeover.log_start < takeover.log_end ? takeover.log_end : Offset::none();
  log->stored_epochs = std::move(takeover.epochs);
  epochs_dirty_ = true;  // when one has begun meanwhile
  directory_dirty_ = false;
  resident_segment_ = active().base_offset();
  resident_position_ = active().size_bytes();
  ++cuts_;
  forget_positions();
  // What is damaged is not copied: it was in files that are none of this log's any more.
  log->damage->forget(Offset(0), Offset(std::numeric_limits<std::int64_t>::max()));
  segments_changed();
  schedule_retention();
  note_duties();
  copy.schedule_retention();
  change_journal(copy.journal_);
}

void PartitionLog::take_over(std::shared_ptr<PartitionLog> copy, UniqueFunction<Result<std::string>()> rename,
                             UniqueFunction<void(Status)> done) {
  state_->take_over(std::move(copy), std::move(rename), std::move(done));
}

void PartitionLog::begin_copy(std::shared_ptr<PartitionLog> copy, std::function<void(Offset)> cut) {
  state_->copy_ = std::move(copy);
  state_->tell_cut_ = std::move(cut);
  if (state_->copy_ == nullptr) return state_->schedule_retention();
  state_->compaction_aborted = true;
  state_->copy_->set_config(state_->log->config);
}

void PartitionLog::hold_appends() { ++state_->append_holds_; }
void PartitionLog::release_appends() {
  --state_->append_holds_;
  state_->serve_held();
}

Status PartitionLog::skip_to(Offset offset) {
  auto& state = *state_;
  if (offset <= state.log->log_end) return {};
  if (auto ready = state.usable(); !ready) return fail(ErrorKind::io, ready.error().message);
  if (auto rolled = state.roll(offset, state.environment->clock.wall_clock()); !rolled) return rolled;
  state.log->log_end = offset;
  state.log->producers.set_end_offset(offset);
  state.publish();
  return {};
}

void PartitionLog::become_copy() { state_->is_copy = true; }

}  // namespace millrace::log

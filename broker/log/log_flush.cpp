#include <algorithm>
#include <utility>

#include "broker/base/logging.h"
#include "broker/log/checkpoint_file.h"
#include "broker/log/partition_log_state.h"
#include "broker/log/producer_replay.h"

namespace millrace::log {
namespace {

constexpr Logger logger{"log"};

Status sync_files(const std::vector<std::shared_ptr<CachedFile>>& files) {
  for (const auto& cached : files) {
    auto file = cached->open();
    if (!file) return tl::unexpected(file.error());
    if (auto synced = (*file)->sync(); !synced) return synced;
  }
  return {};
}

}  // namespace

// What has been written since the recovery point, up to `target`, and is not known to be on the disk.
std::vector<std::shared_ptr<CachedFile>> PartitionLog::State::files_to_sync(Offset target) {
  std::vector<std::shared_ptr<CachedFile>> files;
  // What a flush under way has taken is asked for again: its end is not awaited when the log is closed.
  auto first = segment_number(log->recovery_point);
  // The segment that ends there may have been sealed since: its truncations are to be synced.
  if (first > 0 && log->segments[first]->base_offset() == log->recovery_point) --first;
  for (auto number = first; number < log->segments.size(); ++number) {
    auto& segment = *log->segments[number];
    if (segment.base_offset() > target) break;
    if (auto written = segment.write_pending_index_entries(); !written && disk_is_online())
      logger.warning(written.error().message);
    const auto end = number + 1 < log->segments.size() ? log->segments[number + 1]->base_offset() : log->log_end;
    if (flushing_ || end > log->recovery_point) {
      files.push_back(segment.log_file());
      if (!segment.transaction_index().empty()) files.push_back(segment.transaction_index().file());
    }
    if (segment.offset_index().take_unsynced() || flushing_) files.push_back(segment.offset_index().file());
    if (segment.time_index().take_unsynced() || flushing_) files.push_back(segment.time_index().file());
  }
  return files;
}

void PartitionLog::State::flush_to(Offset target, UniqueFunction<void(Status)> done) {
  if (sync_failure_) return done(fail(ErrorKind::io, name + " is not synced until it is recovered: " + *sync_failure_));
  if (target <= log->recovery_point && unwritten_snapshots_.empty()) return done({});
  waiting_flushes_.push_back({target, std::move(done)});
  start_flush();
}

// One at a time; those who come while it runs are served together by the next. The leader epochs of the batches are on disk before
// the recovery point passes them, because recovery learns epochs only from what it reads behind that point.
void PartitionLog::State::start_flush() {
  if (flushing_ || writing_epochs_ || changing_ || !waiting_changes_.empty()) return;
  if (stopped) {
    for (auto waiting = std::exchange(waiting_flushes_, {}); auto& flush : waiting)
      flush.done(fail(ErrorKind::unavailable, name + " is closed"));
    return serve_idle();
  }
  if (waiting_flushes_.empty()) return;
  if (epochs_unwritten()) return write_epochs();
  const auto target = log->log_end;
  last_flush_ = shard.clock().now();
  ++environment->statistics.flushes;
  auto files = files_to_sync(target);
  flushing_ = true;
  shard.pool().submit([self_alive = self.shared_from_this(), this, target, files = std::move(files),
                       sync_directory = std::exchange(directory_dirty_, false),
                       snapshots = std::exchange(unwritten_snapshots_, {})]() mutable {
    auto status = sync_files(files);
    for (const auto& [offset, entries] : snapshots) {
      if (auto written = write_producer_snapshot(environment->files, log->directory, offset, entries); !written) {
        if (disk_is_online())
          logger.warning(written.error().message + "; the producers are read from the log at the next start");
      }
    }
    if (status && sync_directory) status = environment->files.sync_directory(log->directory);
    auto& home = shard;
    home.post([self_alive = std::move(self_alive), this, target, status = std::move(status)]() mutable {
      flushed(target, std::move(status));
    });
  });
}

void PartitionLog::State::flushed(Offset target, Status status) {
  flushing_ = false;
  if (status) {
    log->recovery_point = std::max(log->recovery_point, target);
  } else {
    // What a failed sync has dropped from the page cache is not known: only a recovery can tell what is on disk.
    ++environment->statistics.failed_flushes;
    failure = sync_failure_ = status.error().message;
    if (disk_is_online()) logger.error(name + " takes no more appends until it is recovered: " + *failure);
  }
  publish();
  while (!waiting_flushes_.empty() && (!status || waiting_flushes_.front().target <= log->recovery_point)) {
    auto done = std::move(waiting_flushes_.front().done);
    waiting_flushes_.pop_front();
    done(status);
  }
  serve_next();
}

void PartitionLog::State::snapshot_producers(Offset offset) {
  unwritten_snapshots_.emplace_back(offset, log->producers.entries());
  log->producer_snapshot_offset = offset;
}

void PartitionLog::State::epochs_changed() {
  epochs_dirty_ = true;
  note_duties();
  if (!flushing_ && !changing_ && !stopped && epochs_unwritten()) write_epochs();
}

// A log without records forgets its epochs at the load, and mostly gets the same ones back when it is led.
bool PartitionLog::State::epochs_unwritten() {
  epochs_dirty_ = epochs_dirty_ && log->stored_epochs != log->epochs.entries();
  return epochs_dirty_;
}

void PartitionLog::State::write_epochs() {
  if (writing_epochs_ || changing_) return;
  writing_epochs_ = true;
  epochs_dirty_ = false;
  log->stored_epochs.reset();  // not known until it is written
  shard.pool().submit([self_alive = self.shared_from_this(), this, entries = log->epochs.entries()]() mutable {
    auto status = write_epoch_checkpoint(environment->files,
                                         log->directory + "/" + std::string(leader_epoch_checkpoint_name), entries);
    auto& home = shard;
    home.post(
        [self_alive = std::move(self_alive), this, entries = std::move(entries), status = std::move(status)]() mutable {
          if (status) log->stored_epochs = std::move(entries);
          epochs_written(std::move(status));
        });
  });
}

void PartitionLog::State::epochs_written(Status status) {
  writing_epochs_ = false;
  if (!status) {
    epochs_dirty_ = true;  // housekeeping tries again
    note_duties();
    if (!stopped && disk_is_online())
      logger.error(status.error().message + "; the log of " + name + " is not flushed until this succeeds");
    for (auto waiting = std::exchange(waiting_flushes_, {}); auto& flush : waiting) flush.done(status);
    start_change();
    start_retirement();
    return serve_idle();
  }
  start_change();
  if (waiting_flushes_.empty() && !stopped && epochs_unwritten()) write_epochs();
  serve_next();
}

void PartitionLog::State::when_idle(Job done) {
  waiting_for_idle_.push_back(std::move(done));
  serve_idle();
}

void PartitionLog::State::serve_idle() {
  if (flushing_ || writing_epochs_ || changing_ || cleaning || retiring_ != nullptr) return;
  for (auto waiting = std::exchange(waiting_for_idle_, {}); auto& job : waiting) job();
}

// Costs nothing where the disk has everything, so that a broker with many logs that nobody writes to stops at once.
Status PartitionLog::State::close() {
  stopped = true;
  if (failure) return fail(ErrorKind::io, name + " cannot be closed cleanly: " + *failure);
  if (changing_) return fail(ErrorKind::io, name + " cannot be closed cleanly: its files were being changed");
  auto status = finish_retirements();
  if (status) status = active().seal();
  const auto files = files_to_sync(log->log_end);
  if (status) status = sync_files(files);
  const bool with_epochs = writing_epochs_ || epochs_unwritten();
  if (status && with_epochs)
    status = write_epoch_checkpoint(
        environment->files, log->directory + "/" + std::string(leader_epoch_checkpoint_name), log->epochs.entries());
  // There is nothing to remember of a log without records.
  if (log->producer_snapshot_offset != log->log_end && log->log_start < log->log_end) snapshot_producers(log->log_end);
  for (const auto& [offset, entries] : unwritten_snapshots_) {
    if (status) status = write_producer_snapshot(environment->files, log->directory, offset, entries);
  }
  const bool written = flushing_ || directory_dirty_ || with_epochs || !files.empty() || !unwritten_snapshots_.empty();
  if (status && written) status = environment->files.sync_directory(log->directory);
  if (!status) return status;
  unwritten_snapshots_.clear();
  log->recovery_point = log->log_end;
  publish();
  return {};
}

}  // namespace millrace::log

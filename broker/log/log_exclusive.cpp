// What has a log's files for itself, and segments that leave the disk.
#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/logging.h"
#include "broker/log/partition_log_state.h"
#include "broker/log/segment_removal.h"

namespace millrace::log {
namespace {

constexpr Logger logger{"log"};
constexpr Duration retirement_retry_delay = std::chrono::seconds(10);

}  // namespace

void PartitionLog::State::change_exclusively(Preparation prepare, UniqueFunction<void(Status)> done) {
  waiting_changes_.push_back({std::move(prepare), std::move(done)});
  start_change();
}

// Before flushes that wait: of these there may be no end.
void PartitionLog::State::start_change() {
  while (!waiting_changes_.empty() && !changing_ && !flushing_ && !writing_epochs_ && retiring_ == nullptr) {
    auto change = std::move(waiting_changes_.front());
    waiting_changes_.pop_front();
    if (stopped) {
      change.done(fail(ErrorKind::unavailable, name + " is closed"));
      continue;
    }
    changing_ = true;
    shard.pool().submit(
        [self_alive = self.shared_from_this(), this, work = change.prepare(), done = std::move(change.done)]() mutable {
          auto status = work();
          auto& home = shard;
          home.post([self_alive = std::move(self_alive), this, status = std::move(status),
                     done = std::move(done)]() mutable { changed(status, std::move(done)); });
        });
  }
}

void PartitionLog::abandon() {
  auto& state = *state_;
  const auto changes = std::exchange(state.waiting_changes_, {});
  const auto held = std::exchange(state.held_, {});
  const auto appends = std::exchange(state.waiting_appends_, {});
  const auto flushes = std::exchange(state.waiting_flushes_, {});
  const auto reads = std::exchange(state.held_reads_, {});
  const auto idle = std::exchange(state.waiting_for_idle_, {});
  const auto copy = std::exchange(state.copy_, nullptr);
  const auto tell_cut = std::exchange(state.tell_cut_, nullptr);
}

void PartitionLog::State::changed(const Status& status, UniqueFunction<void(Status)> done) {
  done(status);
  changing_ = false;
  publish();
  serve_next();
}

void PartitionLog::State::serve_next() {
  start_change();
  start_retirement();
  start_flush();
  serve_held();
  serve_idle();
}

void PartitionLog::State::hold(AppendSource source, Job job) { held_.push_back({source, std::move(job)}); }

bool PartitionLog::State::holds(AppendSource source) const {
  return source != 0 && std::ranges::any_of(held_, [&](const auto& held) { return held.source == source; });
}

void PartitionLog::State::serve_held() {
  while (!changing_ && truncations_ == 0 && append_holds_ == 0 && !held_.empty()) {
    auto held = std::move(held_.front());
    held_.pop_front();
    auto* check = held.source == 0 ? nullptr : check_of(held.source);
    if (check != nullptr) {
      check->behind.push_back(std::move(held.job));
    } else {
      held.job();
    }
  }
}

void PartitionLog::State::retire_segments(std::vector<std::unique_ptr<LogSegment>> segments,
                                          std::vector<Offset> snapshots, RemovalReason reason) {
  if (segments.empty() && snapshots.empty()) return;
  for (const auto& segment : segments) {
    logger.info("segment " + std::to_string(segment->base_offset().value()) + " of " + name + " with " +
                std::to_string(segment->size_bytes()) + " bytes is removed: " + std::string(text_of(reason)));
  }
  std::erase_if(unwritten_snapshots_,
                [&](const auto& snapshot) { return std::ranges::find(snapshots, snapshot.first) != snapshots.end(); });
  waiting_retirements_.push_back(std::make_shared<RetiredSegments>(
      RetiredSegments{environment, log->directory, std::move(segments), std::move(snapshots)}));
  segments_changed();
  start_retirement();
}

void PartitionLog::State::segments_changed() {
  compaction_aborted = true;
  log->damage->forget(Offset(std::numeric_limits<std::int64_t>::min()), log->segments.front()->base_offset());
  if (log->cleaned_to) log->cleaned_to = std::min(*log->cleaned_to, active().base_offset());
  sizes_changed();
}

void PartitionLog::State::sizes_changed() {
  size_bytes_ = log->segments.size_bytes();
  tail_.forget_below(log->segments.front()->base_offset());
  publish();
}

Offset PartitionLog::State::first_segment_on_disk() const {
  auto first = log->segments.front()->base_offset();
  const auto look_at = [&](const RetiredSegments& retired) {
    for (const auto& segment : retired.segments) first = std::min(first, segment->base_offset());
  };
  if (stopped) return first;  // they have gone, or go with the directory
  if (retiring_ != nullptr) look_at(*retiring_);
  for (const auto& retired : waiting_retirements_) look_at(*retired);
  return first;
}

// One after another, so that the older ones have gone when a younger one goes. Not while a flush is under way, which may have
// files of theirs to sync and must find them; the next flush has none. Those of a log that has stopped go with its directory.
void PartitionLog::State::start_retirement() {
  if (stopped) waiting_retirements_.clear();
  if (retiring_ != nullptr || changing_ || flushing_ || retirement_waits_ || waiting_retirements_.empty()) return;
  retiring_ = std::move(waiting_retirements_.front());
  waiting_retirements_.pop_front();
  shard.pool().submit([self_alive = self.shared_from_this(), this, retired = retiring_]() mutable {
    auto status = mark_deleted(*retired);
    auto& home = shard;
    home.post([self_alive = std::move(self_alive), this, status = std::move(status)] { retirement_done(status); });
  });
}

void PartitionLog::State::retirement_done(const Status& status) {
  auto retired = std::move(retiring_);
  retiring_ = nullptr;
  if (status) {
    publish();
    remove_later(retired);
  } else {
    retry_retirement(std::move(retired), status.error());
  }
  serve_next();
}

// Where the disk itself failed, they are the next start's.
void PartitionLog::State::retry_retirement(std::shared_ptr<RetiredSegments> retired, const Error& why) {
  if (stopped || !disk_is_online()) return;
  logger.warning("the removal of segments of " + name + " is tried again in " +
                 std::to_string(std::chrono::duration_cast<std::chrono::seconds>(retirement_retry_delay).count()) +
                 " s: " + why.message);
  waiting_retirements_.push_front(std::move(retired));
  retirement_waits_ = true;
  shard.after(retirement_retry_delay, [weak = self.weak_from_this(), this] {
    auto alive = weak.lock();
    if (alive == nullptr) return;
    retirement_waits_ = false;
    start_retirement();
  });
}

void PartitionLog::State::remove_later(std::shared_ptr<RetiredSegments> retired) {
  shard.after(bounded_milliseconds(log->config.file_delete_delay_ms),
              [retired = std::move(retired), &pool = shard.pool()] {
                pool.submit([retired] {
                  if (auto removed = remove_deleted(*retired); !removed)
                    logger.warning(removed.error().message + "; the next start removes it");
                });
              });
}

// What could not be started while the shard ran. Blocks.
Status PartitionLog::State::finish_retirements() {
  Status status;
  if (retiring_ != nullptr) status = mark_deleted(*retiring_);
  for (; status && !waiting_retirements_.empty(); waiting_retirements_.pop_front())
    status = mark_deleted(*waiting_retirements_.front());
  return status;
}

}  // namespace millrace::log

// What a log loses at its start: by its age, by its size, and by what nobody may read any more.
#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/logging.h"
#include "broker/log/partition_log_state.h"
#include "broker/log/retention.h"

namespace millrace::log {
namespace {

constexpr Logger logger{"log"};
constexpr TimestampMs at_once{0};
constexpr std::array asked_in_order{RemovalReason::below_log_start, RemovalReason::too_large, RemovalReason::too_old};

RetainedSegment retained(const LogSegment& segment) {
  return {segment.base_offset(), segment.size_bytes(), segment.largest_timestamp()};
}

}  // namespace

// What holds it back may be there when the next look comes: one pass waits, however many were asked for.
std::size_t PartitionLog::State::apply_retention(TimestampMs now) {
  if (!holding()) return remove_all_expired(now);
  if (std::exchange(retention_held_, true)) return 0;
  hold(0, [self_alive = self.shared_from_this(), this, now] {
    retention_held_ = false;
    remove_all_expired(now);
  });
  return 0;
}

std::size_t PartitionLog::State::remove_all_expired(TimestampMs now) {
  std::size_t removed = 0;
  if (!stopped && !failure && !cleaning) {
    for (auto reason : asked_in_order) {
      // What a copy has to keep its log decides, whose start it follows.
      if (!is_copy || reason == RemovalReason::below_log_start) removed += remove_expired(reason, now);
    }
  }
  schedule_retention();
  return removed;
}

std::size_t PartitionLog::State::remove_expired(RemovalReason reason, TimestampMs now) {
  std::vector<RetainedSegment> segments;
  segments.reserve(log->segments.size());
  for (const auto& segment : log->segments) segments.push_back(retained(*segment));
  const auto high_watermark = Offset(published.high_watermark.load(std::memory_order_relaxed));
  const auto count =
      segments_to_remove({segments, log->log_start, log->log_end, high_watermark, now, log->config}, reason);
  if (count == 0) return 0;
  if (count == segments.size()) {
    if (auto rolled = roll(log->log_end, now); !rolled) {
      logger.error("no segment of " + name + " is removed: " + rolled.error().message);
      return 0;
    }
  }
  auto taken = log->segments.take_front(count);
  auto snapshots = snapshots_of(taken);
  environment->statistics.segments_removed += taken.size();
  retire_segments(std::move(taken), std::move(snapshots), reason);
  move_log_start(std::max(log->log_start, log->segments.front()->base_offset()));
  return count;
}

void PartitionLog::State::move_log_start(Offset offset) {
  if (offset <= log->log_start) return;
  log->log_start = offset;
  log->producers.on_log_start(offset);
  if (log->epochs.truncate_from_start(offset)) epochs_changed();
  publish();
}

std::optional<TimestampMs> PartitionLog::State::next_retention() const {
  if (stopped || offline) return std::nullopt;
  const auto& first = *log->segments.front();
  if (log->segments.size() > 1 && log->segments[1]->base_offset() <= log->log_start) return at_once;
  if (is_copy) return std::nullopt;
  if (first.size_bytes() == 0 && log->segments.size() == 1) return std::nullopt;
  if (exceeds_retention_bytes(log->config, size_bytes_, first.size_bytes())) return at_once;
  return retention_due(log->config, retained(first));
}

void PartitionLog::State::schedule_retention() {
  const bool has_closed = log->segments.size() > 1 && !stopped && !offline && !is_copy;
  enter_or_leave(environment->compacted, has_closed && log->config.compacted);
  enter_or_leave(environment->rolled, has_closed);
  std::optional<RetentionSchedule::Place> wanted;
  if (auto due = next_retention()) wanted = {*due, log->config.compacted, 0};
  if (wanted == retention_place_) return;
  environment->retention.move(self.weak_from_this(), retention_place_, wanted);
}

void PartitionLog::State::enter_or_leave(LogDuties& duties, bool enter) {
  if (enter) {
    duties.add(&self, self.weak_from_this());
  } else {
    duties.remove(&self);
  }
}

// After an append of `bytes`: when it begins a segment, or makes the log too large.
void PartitionLog::State::appended_bytes(std::uint64_t bytes) {
  size_bytes_ += bytes;
  const bool begins_segment = active().size_bytes() == bytes;
  const bool known = retention_place_ && retention_place_->due == at_once;
  if (begins_segment ||
      (!known && exceeds_retention_bytes(log->config, size_bytes_, log->segments.front()->size_bytes())))
    schedule_retention();
}

PartitionLog::State::~State() {
  environment->duties.remove(&self);
  environment->compacted.remove(&self);
  environment->rolled.remove(&self);
  environment->retention.move({}, retention_place_, std::nullopt);
}

Status PartitionLog::advance_log_start_offset(Offset offset) {
  const auto high_watermark = Offset(state_->published.high_watermark.load(std::memory_order_relaxed));
  if (offset > high_watermark) {
    return fail(ErrorKind::invalid_argument, "log start " + std::to_string(offset.value()) + " of " + state_->name +
                                                 " would be above its high watermark " +
                                                 std::to_string(high_watermark.value()));
  }
  state_->move_log_start(offset);
  state_->schedule_retention();
  return {};
}

std::size_t PartitionLog::apply_retention(TimestampMs now) { return state_->apply_retention(now); }
void PartitionLog::schedule_duties() {
  state_->schedule_retention();
  state_->note_duties();
}

}  // namespace millrace::log

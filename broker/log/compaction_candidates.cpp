#include "broker/log/compaction_candidates.h"

#include <algorithm>
#include <limits>

namespace millrace::log {
namespace {

using Segments = std::span<const CandidateSegment>;

// From the one that holds `from` to the last that starts below `end` (Kafka: LogSegments.values).
Segments between(Segments segments, Offset from, Offset end) {
  if (from >= end) return {};
  const auto base = &CandidateSegment::base_offset;
  const auto above = std::ranges::upper_bound(segments, from, {}, base) - segments.begin();
  const auto first = static_cast<std::size_t>(above == 0 ? 0 : above - 1);
  const auto last = static_cast<std::size_t>(std::ranges::lower_bound(segments, end, {}, base) - segments.begin());
  return last <= first ? Segments{} : segments.subspan(first, last - first);
}

std::uint64_t bytes_of(Segments segments) {
  std::uint64_t sum = 0;
  for (const auto& segment : segments) sum += segment.size_bytes;
  return sum;
}

// `lag_ms` before now; the beginning of time for one that is longer than that.
TimestampMs before(TimestampMs now, std::int64_t lag_ms) { return now - std::max<std::int64_t>(lag_ms, 0); }

Offset first_uncleanable(const CandidateLog& log, Segments dirty, const LogConfig& config, TimestampMs now) {
  Offset first = std::min(log.last_stable, log.segments.back().base_offset);
  if (config.min_compaction_lag_ms <= 0) return first;
  const TimestampMs newest_allowed = before(now, config.min_compaction_lag_ms);
  const auto young = std::ranges::find_if(
      dirty, [&](const CandidateSegment& segment) { return segment.largest_timestamp > newest_allowed; });
  return young == dirty.end() ? first : std::min(first, young->base_offset);
}

std::int64_t overdue_ms(Segments dirty, const LogConfig& config, TimestampMs now) {
  TimestampMs earliest(std::numeric_limits<std::int64_t>::max());
  for (const auto& segment : dirty) {
    if (segment.first_batch_timestamp && *segment.first_batch_timestamp > TimestampMs(0))
      earliest = std::min(earliest, *segment.first_batch_timestamp);
  }
  const TimestampMs due = before(now, config.max_compaction_lag_ms);
  return earliest < due ? due - earliest : 0;
}

}  // namespace

double CompactionCandidate::dirty_ratio() const {
  return total_bytes() == 0 ? 0 : static_cast<double>(cleanable_bytes) / static_cast<double>(total_bytes());
}

bool CompactionCandidate::is_due(const LogConfig& config) const {
  if (total_bytes() == 0) return false;
  return (overdue_ms > 0 && cleanable_bytes > 0) || dirty_ratio() > config.min_cleanable_dirty_ratio;
}

CompactionCandidate compaction_candidate(const CandidateLog& log, const LogConfig& config, TimestampMs now) {
  CompactionCandidate candidate;
  candidate.first_dirty = log.cleaned_to.value_or(log.log_start);
  candidate.checkpoint_is_invalid = candidate.first_dirty < log.log_start || candidate.first_dirty > log.log_end;
  if (candidate.checkpoint_is_invalid) candidate.first_dirty = log.log_start;

  const Offset active = log.segments.back().base_offset;
  const auto dirty = between(log.segments, candidate.first_dirty, active);
  const Offset bound = std::max(candidate.first_dirty, first_uncleanable(log, dirty, config, now));
  const auto uncleanable = between(log.segments, bound, active);
  candidate.first_uncleanable = uncleanable.empty() ? active : uncleanable.front().base_offset;
  for (const auto& segment : log.segments) {
    if (segment.base_offset < candidate.first_dirty) candidate.clean_bytes += segment.size_bytes;
  }
  candidate.cleanable_bytes = bytes_of(
      between(log.segments, std::min(candidate.first_dirty, candidate.first_uncleanable), candidate.first_uncleanable));
  candidate.overdue_ms = overdue_ms(dirty, config, now);
  return candidate;
}

}  // namespace millrace::log

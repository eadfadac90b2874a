// Which part of a log compaction may go through, and how much it is worth (Kafka: LogCleanerManager.cleanableOffsets,
// calculateCleanableBytes, LogToClean). Pure; any thread.
//
//     log start … first dirty: compacted before | first dirty … first uncleanable: to be compacted | the rest waits
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "broker/base/types.h"
#include "broker/log/log_config.h"

namespace millrace::log {

struct CandidateSegment {
  Offset base_offset;
  std::uint64_t size_bytes = 0;
  TimestampMs largest_timestamp;                       // of its records, else the file's
  std::optional<TimestampMs> first_batch_timestamp{};  // the largest of the first batch
};

struct CandidateLog {
  std::span<const CandidateSegment> segments;  // by base offset; the last one is the active one
  Offset log_start;
  Offset log_end;
  Offset last_stable;
  std::optional<Offset> cleaned_to{};  // the checkpoint; nullopt: never compacted
};

struct CompactionCandidate {
  Offset first_dirty;
  Offset first_uncleanable;  // a segment starts there
  std::uint64_t clean_bytes = 0;
  std::uint64_t cleanable_bytes = 0;
  bool checkpoint_is_invalid = false;  // first_dirty is to stand in it
  std::int64_t overdue_ms = 0;         // since max.compaction.lag.ms of the oldest dirty batch was over

  [[nodiscard]] std::uint64_t total_bytes() const { return clean_bytes + cleanable_bytes; }
  [[nodiscard]] double dirty_ratio() const;
  [[nodiscard]] bool is_due(const LogConfig& config) const;
};

CompactionCandidate compaction_candidate(const CandidateLog& log, const LogConfig& config, TimestampMs now);

}  // namespace millrace::log

// One segment of a partition's log: a log file, its offset index and its time index, named by the offset where they start
// (Kafka: LogSegment). The log file is batches one after another, nothing else.
//
// Invariants: size_bytes() is where the next batch goes; bytes behind it, left by a failed write, are no part of the segment.
// Only the active segment is written to. Owned by the log's shard; a SegmentView goes to any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/log/file_cache.h"
#include "broker/log/log_config.h"
#include "broker/log/offset_index.h"
#include "broker/log/segment_view.h"
#include "broker/log/time_index.h"

namespace millrace::log {

// Batches that are written together, whose offsets and epochs are final.
struct SegmentAppend {
  BytesView bytes;
  Offset last_offset;
  TimestampMs first_batch_max_timestamp;
  TimestampMs max_timestamp;
  Offset offset_of_max_timestamp;  // the last offset of the batch that has it
};

// The largest timestamp so far and the last offset of its batch; none() and none() in an empty segment.
struct MaxTimestamp {
  TimestampMs timestamp = TimestampMs::none();
  Offset offset = Offset::none();
};

class LogSegment {
 public:
  // Of the directory's files at `base_offset`, which are there or are about to be made.
  LogSegment(FileCache& cache, const std::string& directory, Offset base_offset, const LogConfig& config,
             TimestampMs now);

  // Makes the files, empty. Blocks for a moment.
  Status create(const LogConfig& config);
  // Takes over the files of a segment that needs no recovery. Blocks. corrupt or not_found: the indexes must be rebuilt.
  Status load();
  // Makes the indexes of the last segment as long as they may become, so that they can be appended to.
  Status make_active();

  // Writes to the page cache and indexes. After a failure the segment is as it was, or broken() when that could not be brought about.
  Status append(const SegmentAppend& batches, std::int32_t index_interval_bytes);

  // No more appends: the time index gets its last entry, both indexes are trimmed.
  Status seal();
  // Frees what the indexes keep in memory: of a sealed segment that is not read often any more.
  void forget_indexes();
  Status write_pending_index_entries();

  [[nodiscard]] Offset base_offset() const { return base_offset_; }
  [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }
  [[nodiscard]] bool broken() const { return broken_; }
  [[nodiscard]] bool indexes_full() const { return offset_index_.full() || time_index_.full(); }
  [[nodiscard]] bool can_hold_offset(Offset offset) const;
  // How long it has been collecting records: the span of their timestamps, or its age when they have none (segment.ms).
  [[nodiscard]] std::int64_t waited_ms(TimestampMs now, TimestampMs record_timestamp) const;
  [[nodiscard]] const MaxTimestamp& max_timestamp() const { return max_timestamp_; }
  [[nodiscard]] std::int64_t roll_jitter_ms() const { return roll_jitter_ms_; }
  void set_roll_jitter_ms(std::int64_t jitter_ms) { roll_jitter_ms_ = jitter_ms; }

  [[nodiscard]] const std::shared_ptr<CachedFile>& log_file() const { return log_file_; }
  [[nodiscard]] OffsetIndex& offset_index() { return offset_index_; }
  [[nodiscard]] const OffsetIndex& offset_index() const { return offset_index_; }
  [[nodiscard]] TimeIndex& time_index() { return time_index_; }
  [[nodiscard]] SegmentView view() const;

  // What recovery found out about the log file.
  void set_recovered(std::uint64_t size_bytes, MaxTimestamp max_timestamp, std::optional<TimestampMs> first_timestamp);

 private:
  Status load_first_timestamp(const File& file);

  const Offset base_offset_;
  std::shared_ptr<CachedFile> log_file_;
  OffsetIndex offset_index_;
  TimeIndex time_index_;
  std::uint64_t size_bytes_ = 0;
  std::uint64_t bytes_since_index_entry_ = 0;
  MaxTimestamp max_timestamp_;
  std::optional<TimestampMs> first_timestamp_;  // the largest of the first batch
  TimestampMs created_;
  std::int64_t roll_jitter_ms_ = 0;
  bool broken_ = false;
};

}  // namespace millrace::log

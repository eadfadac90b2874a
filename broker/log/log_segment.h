// One segment of a partition's log: a log file, its offset index, its time index and, where transactions were aborted, its
// transaction index, named by the offset where they start (Kafka: LogSegment). The log file is batches one after another, nothing else.
//
// Invariants: size_bytes() is where the next batch goes; bytes behind it, left by a failed write, are no part of the segment.
// Only the active segment is written to. Owned by the log's shard; a SegmentView goes to any thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/log/file_cache.h"
#include "broker/log/log_config.h"
#include "broker/log/offset_index.h"
#include "broker/log/segment_cut.h"
#include "broker/log/segment_view.h"
#include "broker/log/time_index.h"
#include "broker/log/transaction_index.h"

namespace millrace::log {

// One of the batches that are written together.
struct BatchExtent {
  std::uint32_t position = 0;  // of its first byte, from the first batch's on
  Offset last_offset;
  TimestampMs max_timestamp;
};

// Batches that are written together, at least one, whose offsets and epochs are final. Each is indexed by itself, so that the
// indexes are those that a rebuild makes.
struct SegmentAppend {
  BytesView bytes;
  std::span<const BatchExtent> batches;
  TimestampMs now;

  [[nodiscard]] Offset last_offset() const { return batches.back().last_offset; }
  [[nodiscard]] TimestampMs max_timestamp() const {
    return std::ranges::max_element(batches, {}, &BatchExtent::max_timestamp)->max_timestamp;
  }
};

// The largest timestamp so far and the last offset of its batch; none() and none() in an empty segment.
struct MaxTimestamp {
  TimestampMs timestamp = TimestampMs::none();
  Offset offset = Offset::none();
};

class LogSegment {
 public:
  // Of the directory's files at `base_offset`, which are there or are about to be made. `suffix` is behind the names of all of
  // them (".cleaned", ".swap").
  LogSegment(FileCache& cache, const std::string& directory, Offset base_offset, const LogConfig& config,
             TimestampMs now, std::string_view suffix = "");

  // Makes the files, empty. Blocks for a moment.
  Status create(const LogConfig& config);
  // Takes over the files of a segment that needs no recovery. Blocks. corrupt or not_found: the indexes must be rebuilt.
  Status load();

  // Of an object that was made for the files of another one: cuts them, the log file for good, and takes over what is left as a
  // segment that is written to. Nobody else writes to the files. Blocks.
  Status take_cut(const SegmentCut& cut);

  // Writes to the page cache and indexes. After a failure the segment is as it was, or broken() when that could not be brought about.
  Status append(const SegmentAppend& batches, std::int32_t index_interval_bytes);

  // No more appends: the time index gets its last entry, both indexes are trimmed, and so is what was reserved for the log file.
  Status seal();
  // Frees what the indexes keep in memory: of a sealed segment that is not read often any more.
  void forget_indexes();
  Status write_pending_index_entries();
  // Renames the files whose names end in `from`, the log file first; those that end otherwise or are absent are passed over.
  // Whoever has a view of the segment reads on. The directory is the caller's to sync. Blocks; any thread.
  Status change_suffix(std::string_view from, std::string_view to);

  // The directory that it lies in has this path now.
  void moved_to(const std::string& directory);

  [[nodiscard]] Offset base_offset() const { return base_offset_; }
  [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }
  [[nodiscard]] bool broken() const { return broken_; }
  [[nodiscard]] bool indexes_full() const { return index_room() == 0; }
  [[nodiscard]] std::size_t index_room() const { return std::min(offset_index_.room(), time_index_.room()); }
  [[nodiscard]] std::uint64_t index_bytes() const { return offset_index_.entries() * OffsetIndex::entry_bytes; }
  [[nodiscard]] std::uint64_t time_index_bytes() const { return time_index_.entries() * TimeIndex::entry_bytes; }
  [[nodiscard]] bool can_hold_offset(Offset offset) const;
  // How long it has been collecting records: the span of their timestamps, or its age when they have none (segment.ms).
  [[nodiscard]] std::int64_t waited_ms(TimestampMs now, TimestampMs record_timestamp) const;
  [[nodiscard]] const MaxTimestamp& max_timestamp() const { return max_timestamp_; }
  // The same for what asks how old the records are: without timestamps, when the file was last written to.
  [[nodiscard]] TimestampMs largest_timestamp() const {
    return max_timestamp_.timestamp >= TimestampMs(0) ? max_timestamp_.timestamp : modified_;
  }
  [[nodiscard]] TimestampMs modified() const { return modified_; }
  // The largest of the first batch; nullopt in an empty segment.
  [[nodiscard]] std::optional<TimestampMs> first_batch_timestamp() const { return first_timestamp_; }
  [[nodiscard]] std::int64_t roll_jitter_ms() const { return roll_jitter_ms_; }
  void set_roll_jitter_ms(std::int64_t jitter_ms) { roll_jitter_ms_ = jitter_ms; }

  [[nodiscard]] const std::shared_ptr<CachedFile>& log_file() const { return log_file_; }
  // The log file, then the indexes'; the transaction index's may be absent.
  [[nodiscard]] std::vector<std::shared_ptr<CachedFile>> files() const;
  [[nodiscard]] OffsetIndex& offset_index() { return offset_index_; }
  [[nodiscard]] const OffsetIndex& offset_index() const { return offset_index_; }
  [[nodiscard]] TimeIndex& time_index() { return time_index_; }
  [[nodiscard]] TransactionIndex& transaction_index() { return transaction_index_; }
  [[nodiscard]] const TransactionIndex& transaction_index() const { return transaction_index_; }
  [[nodiscard]] SegmentView view() const;

  // What recovery found out about the log file.
  void set_recovered(std::uint64_t size_bytes, MaxTimestamp max_timestamp, std::optional<TimestampMs> first_timestamp);

 private:
  Status load_first_timestamp(const File& file);
  Status preallocate(File& file, std::uint64_t size_bytes);
  void reserve_ahead(File& file, std::uint64_t end);
  Status give_back();

  const Offset base_offset_;
  std::shared_ptr<CachedFile> log_file_;
  OffsetIndex offset_index_;
  TimeIndex time_index_;
  TransactionIndex transaction_index_;
  std::uint64_t size_bytes_ = 0;
  std::uint64_t last_indexed_ = 0;  // position of the batch that has the last index entry
  MaxTimestamp max_timestamp_;
  std::optional<TimestampMs> first_timestamp_;  // the largest of the first batch
  TimestampMs modified_;                        // when the log file was
  TimestampMs created_;
  std::int64_t roll_jitter_ms_ = 0;
  bool broken_ = false;
  std::uint64_t reserved_bytes_ = 0;    // of the log file, by this object, and not given back
  std::uint64_t unreserved_until_ = 0;  // it was refused, and is not asked for again before
};

}  // namespace millrace::log

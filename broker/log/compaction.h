// One pass of compaction over one log (Kafka: Cleaner.doClean): the keys of the dirty part are mapped to their newest offsets, then
// every segment up to where the map came is copied, in groups that together are no larger than a segment may be, into segments whose
// files end in ".cleaned". Who runs the pass puts each of them into the log in place of its group before it goes on.
//
//     step … step (mapping) → step … step → group (take_group, swap it in) → … → finished: compacted up to end_offset()
//
// The checksum of every batch that is read is looked at, and its offsets: what is not sound is never copied (Kafka's cleaner copies
// it). A step reads about a MiB, so that who runs it can stop, pause and slow down a pass between two of them.
//
// Blocks. One thread at a time. Errors: corrupt, with file, position and offset; io and its kin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/log/batch_feed.h"
#include "broker/log/cleaned_transactions.h"
#include "broker/log/file_cache.h"
#include "broker/log/key_offset_map.h"
#include "broker/log/log_config.h"
#include "broker/log/log_segment.h"
#include "broker/log/record_filter.h"
#include "broker/log/segment_view.h"

namespace millrace::log {

struct CompactionSegment {
  SegmentView view;
  std::uint64_t index_bytes = 0;
  std::uint64_t time_index_bytes = 0;
  TimestampMs modified;  // the log file
};

struct CompactionInput {
  std::string directory;  // the partition's
  LogConfig config;
  std::vector<CompactionSegment> segments;  // all of the log, by base offset; the last one is the active one
  Offset first_dirty;
  Offset first_uncleanable;  // where a segment starts
  ActiveProducers producers;
  std::vector<EpochStart> epochs;  // of the log's leaders
  TimestampMs now;
};

struct CompactionStatistics {
  std::uint64_t mapped_bytes = 0;
  std::uint64_t mapped_keys = 0;
  double map_utilization = 0;
  std::uint64_t read_bytes = 0;
  std::uint64_t read_records = 0;
  std::uint64_t written_bytes = 0;
  std::uint64_t written_records = 0;
  std::uint64_t records_without_key = 0;

  [[nodiscard]] std::uint64_t moved_bytes() const { return mapped_bytes + read_bytes + written_bytes; }
};

// A segment that takes the place of those that start in [first, end).
struct CleanedGroup {
  std::unique_ptr<LogSegment> segment;  // its files end in ".cleaned" and are on disk
  Offset first;
  Offset end;
};

// The numbers of the segments from the first on that one pass makes a segment of, group by group (Kafka: groupSegmentsBySize).
// `segments` are those that are copied.
std::vector<std::size_t> group_sizes(std::span<const CompactionSegment> segments, const LogConfig& config,
                                     Offset first_uncleanable);

class Compaction {
 public:
  enum class Step : std::uint8_t { more, group, finished };

  static constexpr std::size_t usual_io_bytes = std::size_t{256} << 10;

  // The cache and the map outlive the pass; the map is this pass's alone and is cleared at its start. So many bytes are read, and
  // written, at once; a batch that is larger by itself (Kafka: growBuffers).
  Compaction(FileCache& cache, CompactionInput input, KeyOffsetMap& keys, std::size_t io_bytes = usual_io_bytes);

  // After `group`, take_group() first. After an error or `finished` no more.
  Result<Step> step();
  CleanedGroup take_group();
  // Removes the files of a group that was not finished, not taken or not put into the log. At the end of a pass.
  void abandon();

  // Where the segment starts that is being read.
  [[nodiscard]] Offset read_segment() const { return input_.segments[segment_].view.base_offset; }

  // After `finished`.
  [[nodiscard]] Offset end_offset() const { return end_offset_; }
  [[nodiscard]] const CompactionStatistics& statistics() const { return statistics_; }

 private:
  [[nodiscard]] std::size_t first_segment_at(Offset offset) const;
  [[nodiscard]] Offset end_of(std::size_t number) const;
  [[nodiscard]] Result<std::vector<AbortedTransaction>> aborted_in(Offset from, Offset bound) const;
  Status open_feed(std::size_t number, Offset from);
  Status begin_map();
  Result<Step> step_map();
  Status end_map();
  Status begin_group();
  Status begin_segment(std::size_t number);
  Result<Step> step_group();
  Status copy(const AnyBatch& batch);
  Status write_out();
  Status write_transactions();
  Status end_group();
  [[nodiscard]] tl::unexpected<Error> in_segment(const Error& error) const;

  FileCache& cache_;
  const CompactionInput input_;
  KeyOffsetMap& keys_;
  const std::size_t io_bytes_;
  CompactionStatistics statistics_;
  Offset end_offset_;

  bool mapping_ = true;
  CleanedTransactions map_transactions_;
  std::size_t segment_ = 0;  // that is read
  std::unique_ptr<BatchFeed> feed_;

  CleanedTransactions transactions_;
  RecordFilter filter_;
  FilterSettings filter_settings_;
  TimestampMs legacy_delete_horizon_;
  std::vector<std::size_t> groups_;  // sizes of those to come, the next one last
  std::size_t group_begin_ = 0;      // segments
  std::size_t group_end_ = 0;
  std::unique_ptr<LogSegment> cleaned_;
  std::vector<std::uint8_t> output_;  // not yet written to cleaned_
  std::vector<BatchExtent> output_batches_;
};

}  // namespace millrace::log

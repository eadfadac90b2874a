// The inside of PartitionLog, shared by the files that implement it: partition_log.cpp (what it is), log_append.cpp (appends and
// rolls), long_checks.cpp (appends that workers check), log_read.cpp (reads and searches), log_flush.cpp (everything that is
// synced). Owned by the log's shard.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/shard.h"
#include "broker/log/loaded_log.h"
#include "broker/log/log_environment.h"
#include "broker/log/partition_log.h"
#include "broker/log/record_validator.h"
#include "broker/log/tail_positions.h"

namespace millrace::log {

class PartitionLog::State {
 public:
  State(PartitionLog& owner, std::unique_ptr<LoadedLog> loaded, std::shared_ptr<LogEnvironment> shared, Shard& shard);

  // log_append.cpp
  AppendOutcome append(const AppendRequest& request);
  void complete_in_order(AppendOutcome outcome, AppendCompletion done);

  // long_checks.cpp
  void check_on_worker(const AppendRequest& request, AppendCompletion done);
  [[nodiscard]] bool is_checking(AppendSource source) const;
  void after_check(AppendSource source, Job job);

  // log_read.cpp
  void read(const ReadRequest& request, Offset segment_from, ReadCompletion done);
  void find_timestamp(TimestampMs timestamp, Offset segment_from, TimestampCompletion done);
  void find_max_timestamp(TimestampCompletion done);

  // log_flush.cpp
  void flush_to(Offset target, UniqueFunction<void(Status)> done);
  void epochs_changed();
  void snapshot_producers(Offset offset);
  void when_idle(Job done);
  Status close();

  void publish();
  [[nodiscard]] LogSegment& active() { return *log->segments.back(); }
  // The segment that holds `offset`, or the last one that starts below it.
  [[nodiscard]] std::size_t segment_number(Offset offset) const;
  [[nodiscard]] ReadError read_error(ReadErrorKind kind, std::string message) const;

  PartitionLog& self;
  std::shared_ptr<LogEnvironment> environment;  // outlives the segments of `log`
  std::unique_ptr<LoadedLog> log;
  Shard& shard;
  const std::string name;  // <topic>-<partition>
  PublishedOffsets published;
  std::optional<std::string> failure;  // why the log takes no more appends until it is recovered
  bool stopped = false;
  std::uint64_t term = 0;  // counts the leader's: what is checked in one is not written in the next

 private:
  struct WaitingAppend {
    Offset synced_to;
    AppendOutcome outcome;
    AppendCompletion done;
  };
  struct WaitingFlush {
    Offset target;
    UniqueFunction<void(Status)> done;
  };
  // One of a source's batches is with a worker, and what must not overtake it waits.
  struct LongCheck {
    AppendSource source;
    bool busy = true;
    std::deque<Job> behind;
  };
  using Checked = tl::expected<CheckedBatch, AppendError>;
  struct Located {
    std::uint64_t position = 0;
    std::uint64_t size_bytes = 0;
  };
  struct ReplicatedBatch {
    protocol::Batch batch;
    std::size_t position;  // in the request
  };

  tl::expected<void, AppendError> usable() const;
  template <class Append>
  AppendOutcome watched(Append append);
  AppendOutcome append_assigned(const AppendRequest& request);
  AppendOutcome append_checked(const AppendRequest& request, const CheckedBatch& checked);
  AppendOutcome append_checked(const AppendRequest& request, const Checked& checked, std::uint64_t of_term);
  void begin_check(AppendSource source);
  void end_check(AppendSource source);
  LongCheck* check_of(AppendSource source) const;
  AppendOutcome append_replicated(const AppendRequest& request);
  tl::expected<std::vector<ReplicatedBatch>, AppendError> check_replicated(BytesView bytes) const;
  AppendOutcome duplicate_outcome(const ProducerBatch& batch) const;
  tl::expected<void, AppendError> write(const SegmentAppend& batches, Offset first_offset, TimestampMs now);
  Status roll_for(const SegmentAppend& batches, Offset first_offset, TimestampMs now);
  Status roll(Offset base_offset, TimestampMs now);
  void remove_unborn_segment(Offset base_offset);
  void remember(const protocol::Batch& batch, Offset base_offset, std::uint64_t position,
                const std::optional<ProducerAppend>& producer);

  // Answers from memory or from the page cache; nullopt when the disk might have to be asked.
  std::optional<Located> locate_hot(std::size_t number, Offset offset) const;
  bool is_resident(std::size_t number, std::uint64_t position) const;
  FetchData slice(std::size_t number, std::shared_ptr<const File> file, const Located& first,
                  std::uint64_t end_position, const ReadRequest& request) const;
  void read_cold(const ReadRequest& request, std::size_t number, ReadCompletion done);

  void start_flush();
  void flushed(Offset target, Status status);
  void write_epochs();
  void epochs_written(Status status);
  void serve_idle();
  std::vector<std::shared_ptr<CachedFile>> files_to_sync(Offset target);

  TailPositions tail_;
  Offset resident_segment_;          // residency starts in this segment …
  std::uint64_t resident_position_;  // … at this position
  std::deque<WaitingAppend> waiting_appends_;
  std::deque<WaitingFlush> waiting_flushes_;
  std::vector<std::unique_ptr<LongCheck>> long_checks_;  // mostly none
  std::vector<Job> waiting_for_idle_;
  std::vector<std::pair<Offset, std::vector<ProducerEntry>>> unwritten_snapshots_;
  std::optional<std::string> sync_failure_;  // of the sync after which no other one tells anything
  bool flushing_ = false;
  bool epochs_dirty_ = false;
  bool writing_epochs_ = false;
  bool directory_dirty_;  // segments were made since the directory was synced, perhaps by the process that was killed
  std::uint64_t size_bytes_ = 0;  // of all segments
  MonotonicTime last_flush_;
  MonotonicTime last_producer_expiry_;

  friend class PartitionLog;
};

}  // namespace millrace::log

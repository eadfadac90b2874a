// The inside of PartitionLog, shared by the files that implement it: partition_log.cpp (what it is), log_append.cpp (appends and
// rolls), long_checks.cpp (appends that workers check), log_read.cpp (reads and searches), log_flush.cpp (everything that is
// synced), log_synced.cpp (flush.messages=1), log_exclusive.cpp (what has the files for itself), log_retention.cpp (what leaves its start),
// log_compaction.cpp (what compaction replaces), log_move.cpp (files of another log directory), log_offline.cpp (the end of its disk). Owned by
// the log's shard.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker/base/shard.h"
#include "broker/log/compaction.h"
#include "broker/log/compaction_candidates.h"
#include "broker/log/journaled_log.h"
#include "broker/log/loaded_log.h"
#include "broker/log/log_environment.h"
#include "broker/log/partition_log.h"
#include "broker/log/record_validator.h"
#include "broker/log/segment_removal.h"
#include "broker/log/segment_scrub.h"
#include "broker/log/tail_positions.h"

namespace millrace::log {

class PartitionLog::State final : public JournaledLog {
 public:
  State(PartitionLog& owner, std::unique_ptr<LoadedLog> loaded, std::shared_ptr<LogEnvironment> shared, Shard& shard);
  ~State() override;

  // log_append.cpp
  void append_now(const AppendRequest& request, AppendCompletion done);
  void append_held(const AppendRequest& request, std::uint64_t of_term, AppendCompletion done);
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

  // log_transactions.cpp
  // Answers a read with the records that were found in segment `number`, and with the aborted transactions for read_committed.
  void answer_read(std::size_t number, FetchData data, const ReadRequest& request, ReadCompletion done);
  // A marker is in the log: the end of an aborted transaction goes into the transaction index.
  void index_transaction(const CompletedTransaction& completed);

  // log_exclusive.cpp
  // One at a time, with the log's files for itself: `prepare` runs when nothing of this log is on the pool; the work that it
  // returns runs there, and `done` then on the shard, before anything else of this log. From `prepare` to `done` nothing is
  // appended, flushed, retired or written; appends wait, in order, and reads go on: what `done` does to the list of segments
  // must fit the views that they have. A log that has stopped answers unavailable, without `prepare`.
  using Preparation = UniqueFunction<UniqueFunction<Status()>()>;
  void change_exclusively(Preparation prepare, UniqueFunction<void(Status)> done);
  [[nodiscard]] bool is_changing() const { return changing_; }
  // Segments that were just taken out of the list, by base offset, leave the disk (segment_removal.h); `snapshots` of the
  // producers with them, mostly snapshots_of(segments). Never blocks and never fails: what stays on the disk is said in the log.
  void retire_segments(std::vector<std::unique_ptr<LogSegment>> segments, std::vector<Offset> snapshots,
                       RemovalReason reason);
  // To be called when segments were removed, replaced or cut otherwise. Positions of batches that are remembered are forgotten
  // below the first segment only: who replaces others calls forget_positions. A pass of compaction is aborted, and its checkpoint
  // comes down to the active segment.
  void segments_changed();
  void forget_positions() { tail_.clear(); }

  // log_compaction.cpp
  CompactionCandidate compaction_candidate(TimestampMs now);
  std::unique_ptr<CompactionInput> begin_compaction(TimestampMs now);
  void replace_segments(CleanedGroup group, UniqueFunction<void(Status)> done);
  void write_down_compaction(CleanedGroup group, UniqueFunction<void(Status)> done);
  void swap_synced(CleanedGroup group, UniqueFunction<void(Status)> done);
  void end_compaction(std::optional<Offset> cleaned_to);

  // log_truncation.cpp
  void truncate(Offset target, bool anew, UniqueFunction<void(Status)> done);

  // log_move.cpp
  void take_over(std::shared_ptr<PartitionLog> copy, UniqueFunction<Result<std::string>()> rename,
                 UniqueFunction<void(Status)> done);

  // log_retention.cpp
  std::size_t apply_retention(TimestampMs now);
  std::size_t remove_all_expired(TimestampMs now);
  // Whatever may move the instant at which the first segment goes calls this.
  void schedule_retention();
  void move_log_start(Offset offset);

  // log_flush.cpp
  void flush_to(Offset target, UniqueFunction<void(Status)> done);
  void epochs_changed();
  void snapshot_producers(Offset offset);
  void when_idle(Job done);
  Status close();

  // log_synced.cpp
  // Everything below is on the disk: in the segments, or in the journal.
  [[nodiscard]] Offset on_disk_to() const;
  // With flush.messages=1, batches that were just written to the active segment, at the log's end, go to the journal too.
  void journal_appended(BytesView batches, Offset end, LeaderEpoch epoch);
  // Whether no sync of the segments is needed for what is below `end`.
  [[nodiscard]] bool is_journaling(Offset end) const { return journal_from_ && end <= journal_end_; }
  void journal_truncated(Offset end);
  // Runs `done` when the journal can bring nothing back from `target` on; with an error when it may.
  void void_in_journal(Offset target, UniqueFunction<void(Status)> done);
  void change_journal(std::shared_ptr<Journal> journal);
  void leave_journal();
  void serve_waiting_appends(const Status& status);
  [[nodiscard]] const TopicPartition& partition_of() const override { return log->partition; }
  [[nodiscard]] const TopicId& topic_id_of() const override { return log->topic_id; }
  [[nodiscard]] Shard& home() const override { return shard; }
  [[nodiscard]] bool has_synced(JournalStay stay, Offset end) const override;
  void journaled(JournalStay stay, Offset end, const Status& status) override;
  void sync_segments(JournalStay stay, UniqueFunction<void(Status)> done) override;

  // log_offline.cpp
  void go_offline(const Error& why);
  // Why nothing is read: the log has stopped, or is offline.
  [[nodiscard]] std::optional<ReadError> unreadable() const;
  // Whether the disk still serves: when it does not, that was said once for its whole directory.
  [[nodiscard]] bool disk_is_online() const { return environment->health->is_online(log->directory); }

  // log_scrub.cpp
  [[nodiscard]] std::optional<SegmentToScrub> segment_to_scrub(Offset from) const;
  bool scrubbed(const SegmentToScrub& segment, const std::vector<ScrubFinding>& findings);
  void read_damage(const SegmentView& view, const Error& error);
  void tell_doubts(const SegmentView& view);

  // Whoever gives housekeeping something to do calls this.
  void note_duties();
  [[nodiscard]] bool rests() const;

  void publish();
  // Of the first segment that a start would find: those that are being retired may still be on the disk.
  [[nodiscard]] Offset first_segment_on_disk() const;
  [[nodiscard]] LogSegment& active() { return log->segments.active(); }
  // The segment that holds `offset`, or the last one that starts below it.
  [[nodiscard]] std::size_t segment_number(Offset offset) const { return log->segments.number_of(offset); }
  // For a reader, who gives tell_doubts what it says of index entries.
  [[nodiscard]] SegmentView view_of(const LogSegment& segment) const;
  // Whether the log still has this segment, and not another one in its place.
  [[nodiscard]] bool has(const SegmentView& view) const;
  [[nodiscard]] ReadError read_error(ReadErrorKind kind, std::string message) const;

  PartitionLog& self;
  std::shared_ptr<LogEnvironment> environment;  // outlives the segments of `log`
  std::unique_ptr<LoadedLog> log;
  Shard& shard;
  const std::string name;  // <topic>-<partition>
  PublishedOffsets published;
  std::optional<std::string> failure;  // why the log takes no more appends until it is recovered
  bool stopped = false;
  std::atomic<bool> compaction_aborted{false};  // for the cleaner's threads
  Offset compacted_by;                          // what a pass takes away goes for the sake of records and markers below
  bool cleaning = false;  // compaction reads its segments: retention leaves them alone meanwhile (Kafka: deletableLogs)
  bool offline = false;   // with its directory; `failure` says why
  bool is_copy = false;   // of a log that moves here
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
  struct WaitingChange {
    Preparation prepare;
    UniqueFunction<void(Status)> done;
  };
  struct HeldJob {
    AppendSource source;
    Job job;
  };
  struct Takeover;
  struct Truncation;
  using TruncationPointer = std::shared_ptr<Truncation>;
  struct Located {
    std::uint64_t position = 0;
    std::uint64_t size_bytes = 0;
  };
  // Of one segment, for a read.
  struct FoundRecords {
    std::shared_ptr<File> file;
    std::optional<Located> first;  // batch; nullopt: all are below the offset
    std::uint64_t end_position = 0;
  };
  struct ReplicatedBatch {
    protocol::Batch batch;
    std::size_t position;  // in the request
  };
  // Replicated batches that are written together: all that fit into one segment, with its size, offsets and index entries.
  struct WrittenTogether {
    std::vector<BatchExtent> extents;
    std::size_t size_bytes = 0;
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
  WrittenTogether together_from(std::span<const ReplicatedBatch> batches);
  tl::expected<std::vector<ReplicatedBatch>, AppendError> check_replicated(BytesView bytes, LeaderEpoch leader_epoch);
  tl::unexpected<AppendError> refuse_replicated(AppendErrorKind kind, const std::string& what);
  AppendOutcome duplicate_outcome(const ProducerBatch& batch) const;
  tl::expected<void, AppendError> write(const SegmentAppend& batches, Offset first_offset);
  Status roll_for(const SegmentAppend& batches, Offset first_offset);
  Status roll(Offset base_offset, TimestampMs now);
  void remove_unborn_segment(Offset base_offset);
  void remember(const protocol::Batch& batch, Offset base_offset, std::uint64_t position,
                const std::optional<ProducerAppend>& producer);

  // Answers from memory or from the page cache; nullopt when the disk might have to be asked.
  std::optional<Located> locate_hot(std::size_t number, Offset offset) const;
  std::optional<FoundRecords> find_hot(const ReadRequest& request, std::size_t number, Offset bound) const;
  // What read_cold would find, when the page cache has all that it would look at; nullopt also when the segment has nothing
  // for the request, and when an index entry is not to be believed.
  std::optional<FoundRecords> find_cached(const ReadRequest& request, std::size_t number) const;
  static Result<FoundRecords> find_records(const SegmentView& view, const ReadRequest& request, PageCacheReads* only);
  bool is_resident(std::size_t number, std::uint64_t position) const;
  FetchData slice(std::size_t number, std::shared_ptr<const File> file, const Located& first,
                  std::uint64_t end_position, const ReadRequest& request) const;
  void read_cold(const ReadRequest& request, std::size_t number, ReadCompletion done);

  std::size_t remove_expired(RemovalReason reason, TimestampMs now);
  [[nodiscard]] std::optional<TimestampMs> next_retention() const;
  void enter_or_leave(LogDuties& duties, bool enter);
  void appended_bytes(std::uint64_t bytes);

  [[nodiscard]] bool is_idle() const {
    return !flushing_ && !writing_epochs_ && !changing_ && !cleaning && retiring_ == nullptr;
  }
  UniqueFunction<Status()> begin_takeover(const std::shared_ptr<Takeover>& takeover);
  void taken_over(Takeover& takeover, const Status& status);
  void adopt(State& copy, Takeover& takeover);

  void start_change();
  void changed(const Status& status, UniqueFunction<void(Status)> done);
  void sizes_changed();
  void remove_later(std::shared_ptr<RetiredSegments> retired);
  void start_retirement();
  void retirement_done(const Status& status);
  void retry_retirement(std::shared_ptr<RetiredSegments> retired, const Error& why);
  Status finish_retirements();
  // What must wait for an exclusive change, in order.
  [[nodiscard]] bool holding() const { return changing_ || truncations_ > 0 || append_holds_ > 0 || !held_.empty(); }
  void hold(AppendSource source, Job job);
  [[nodiscard]] bool holds(AppendSource source) const;
  void serve_held();
  // Something on the pool is done: whatever waits for that goes on.
  void serve_next();

  UniqueFunction<Status()> find_place(const TruncationPointer& truncation);
  void place_found(const TruncationPointer& truncation, Status status);
  UniqueFunction<Status()> begin_cut(const TruncationPointer& truncation);
  void give_up_what_waits_behind(Offset end);
  void cut_done(const TruncationPointer& truncation, Status status);
  bool take_truncated(Truncation& job);
  void truncated(Truncation& job, Status status);
  void serve_held_reads();

  void start_flush();
  void flushed(Offset target, Status status);
  void write_epochs();
  void epochs_written(Status status);
  [[nodiscard]] bool epochs_unwritten();
  void serve_idle();
  std::vector<std::shared_ptr<CachedFile>> files_to_sync(Offset target);

  [[nodiscard]] std::shared_ptr<JournaledLog> journaled_self();
  void sync_one_by_one();

  std::shared_ptr<Journal> journal_;         // of the directory; null: none
  std::atomic<JournalStay> stay_{0};         // in it; any thread reads
  std::optional<Offset> journal_from_;       // it has everything from here …
  Offset journal_end_;                       // … to here, of which it …
  Offset journaled_to_;                      // … has confirmed so much
  bool was_journaled_ = false;               // since the load
  bool compaction_is_written_down_ = false;  // the recovery point that this pass needs is in the checkpoint
  std::atomic<bool> left_journal_{false};
  TailPositions tail_;
  Offset resident_segment_;          // residency starts in this segment …
  std::uint64_t resident_position_;  // … at this position
  std::deque<WaitingAppend> waiting_appends_;
  std::deque<WaitingFlush> waiting_flushes_;
  std::vector<std::unique_ptr<LongCheck>> long_checks_;  // mostly none
  std::vector<Job> waiting_for_idle_;
  std::vector<std::pair<Offset, std::vector<ProducerEntry>>> unwritten_snapshots_;
  std::string refused_replicated_;           // the last time
  std::optional<std::string> sync_failure_;  // of the sync after which no other one tells anything
  std::optional<RetentionSchedule::Place> retention_place_;
  std::deque<WaitingChange> waiting_changes_;
  std::deque<HeldJob> held_;
  std::deque<std::shared_ptr<RetiredSegments>> waiting_retirements_;
  std::shared_ptr<RetiredSegments> retiring_;  // on the pool
  std::vector<Job> held_reads_;                // while a truncation cuts files
  bool reads_wait_ = false;
  std::uint64_t truncations_ = 0;         // that were asked for and are not answered
  std::uint64_t cuts_ = 0;                // so far
  std::uint64_t append_holds_ = 0;        // that were asked for and not released
  std::shared_ptr<PartitionLog> copy_;    // in another log directory
  std::function<void(Offset)> tell_cut_;  // its maker
  mutable std::mutex directory_mutex_;
  std::string published_directory_;  // for any thread
  bool retention_held_ = false;      // a pass is in held_
  bool retirement_waits_ = false;    // for the next attempt, after one that failed
  bool changing_ = false;
  bool flushing_ = false;
  bool has_duties_ = false;  // it is in environment->duties
  bool epochs_dirty_;        // perhaps: epochs_unwritten knows
  bool writing_epochs_ = false;
  bool directory_dirty_;  // segments were made since the directory was synced, perhaps by the process that was killed
  std::uint64_t size_bytes_ = 0;  // of all segments
  MonotonicTime last_flush_;
  MonotonicTime last_producer_expiry_;

  friend class PartitionLog;
};

}  // namespace millrace::log

// The log of one partition: its segments in order, its producers, its leader epochs (Kafka: UnifiedLog and LocalLog).
//
//     log start                      recovery point                log end
//        |------- on disk for sure --------|----- page cache ---------|   next record goes here
//
// Invariants: log start <= log end; recovery point <= log end; offsets of appended batches strictly increase; there is always
// exactly one active segment, the last one, and only it is written to.
//
// Owned by one shard: every method is called in its tasks, unless it says "any thread". Completions run on that shard too,
// possibly before the call returns. An append is an operation with a completion: the log end offset has advanced when the
// completion runs, and completions of one log run in the order in which it is written. Batches whose check takes long are checked
// by the shard's workers, and others overtake them. What blocks (cold reads, fsync) runs on the shard's BlockingPool. The high
// watermark is the replication layer's; it only leaves its last value here for the checkpoint.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/result.h"
#include "broker/base/shard.h"
#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/log/append.h"
#include "broker/log/fetch_data.h"
#include "broker/log/log_config.h"
#include "broker/log/producer_entry.h"

namespace millrace::log {

class LogEnvironment;
struct CleanedGroup;         // compaction.h
struct CompactionCandidate;  // compaction_candidates.h
struct CompactionInput;      // compaction.h
struct LoadedLog;
class LogDamage;        // damage.h
struct ScrubFinding;    // segment_scrub.h
struct SegmentToScrub;  // segment_scrub.h
struct RecoveryReport;  // loaded_log.h

// A log's numbers for checkpoints, metrics and DescribeLogDirs. Any thread reads; the owning shard writes.
struct PublishedOffsets {
  std::atomic<std::int64_t> log_start_offset{0};
  std::atomic<std::int64_t> first_segment_offset{0};
  std::atomic<std::int64_t> log_end_offset{0};
  std::atomic<std::int64_t> recovery_point{0};
  std::atomic<std::int64_t> high_watermark{0};
  std::atomic<std::int64_t> cleaned_to{-1};  // compacted up to here; -1: never
  std::atomic<std::uint64_t> size_bytes{0};
  std::atomic<std::uint32_t> segments{0};
  std::atomic<std::int64_t> file_delete_delay_ms{0};
};

class PartitionLog : public std::enable_shared_from_this<PartitionLog> {
 public:
  // Made by LogManager only, of a directory that has been loaded. `shard` owns the log from then on.
  PartitionLog(std::unique_ptr<LoadedLog> loaded, std::shared_ptr<LogEnvironment> environment, Shard& shard);
  ~PartitionLog();
  PartitionLog(const PartitionLog&) = delete;
  PartitionLog& operator=(const PartitionLog&) = delete;

  // Any thread.
  [[nodiscard]] const TopicPartition& topic_partition() const;
  [[nodiscard]] const TopicId& topic_id() const;  // zero when the directory has no partition.metadata
  [[nodiscard]] std::string directory() const;    // <log dir>/<topic>-<partition>
  [[nodiscard]] const PublishedOffsets& published() const;
  [[nodiscard]] const RecoveryReport& recovery() const;  // what was done at load
  [[nodiscard]] Shard& shard() const;

  // Checks, assigns offsets, writes to the page cache, updates indexes, producers and epochs. With flush.messages reached the
  // completion waits for the sync; with flush.messages=1 that of the log directory's journal (journal.h). After a failed write the log is as it was before.
  void append(AppendRequest request, AppendCompletion done);

  // Whether a batch of `source` is with a worker. What `source` asks meanwhile, appends too, is to wait: after_check runs it when
  // the batch is written or refused, one job after another.
  [[nodiscard]] bool is_checking(AppendSource source) const;
  void after_check(AppendSource source, Job job);

  // A slice from the batch that holds request.offset on. Answered at once for the tail, through the pool else.
  void read(const ReadRequest& request, ReadCompletion done);

  // The first record whose timestamp is at least `timestamp`, or one of OffsetSpec's values: earliest is the log start, latest
  // the log end (the caller knows whether a consumer may only see the high watermark or the last stable offset), max_timestamp
  // the record with the largest timestamp.
  void find_offset(TimestampMs timestamp, TimestampCompletion done);

  [[nodiscard]] Offset log_start_offset() const;
  [[nodiscard]] Offset log_end_offset() const;
  [[nodiscard]] Offset recovery_point() const;
  // What this log counts for the high watermark of its leader: with flush.messages=1 what no loss of power can take away any more, else the
  // log's end. An append has completed once this has passed it.
  [[nodiscard]] Offset synced_offset() const;
  // The first offset of the oldest transaction that is still open, or whose marker the high watermark has not passed; none()
  // without one, never below the log start. Bounds what read_committed may see.
  [[nodiscard]] Offset first_unstable_offset() const;
  [[nodiscard]] std::vector<ProducerEntry> producers() const;  // by producer id
  // What an append with such a guard would be told before its batch is looked at: for who makes batches, and must know before. Errors:
  // `unverified`, invalid_transaction_state.
  [[nodiscard]] tl::expected<void, AppendError> verify_transaction(ProducerId id, ProducerEpoch epoch,
                                                                   VerificationGuard guard);
  [[nodiscard]] std::uint64_t size_bytes() const;

  // The high watermark of the last checkpoint, as found at load (0 when there was none); never above the log end.
  [[nodiscard]] Offset checkpointed_high_watermark() const;
  // Remembered for the next checkpoint. Transactions whose markers it has passed are stable from now on.
  void publish_high_watermark(Offset high_watermark);

  // Leader epochs (leader-epoch-checkpoint).
  [[nodiscard]] LeaderEpoch latest_leader_epoch() const;            // none() when the log is empty of epochs
  [[nodiscard]] LeaderEpoch leader_epoch_for(Offset offset) const;  // none() when not known
  [[nodiscard]] EpochEndOffset end_offset_for_epoch(
      LeaderEpoch requested) const;  // OffsetForLeaderEpoch (KIP-101, KIP-279)
  // This broker became leader in `epoch`: the next record starts it (Kafka: maybeAssignEpochStartOffset). io: the log takes no
  // appends until it is recovered, and its high watermark must not pass what it could not take.
  Status start_leader_epoch(LeaderEpoch epoch);
  // It is none any more: what is still being checked is refused, as it is when another epoch starts.
  void end_leader_epoch();

  // Nothing below `offset` is readable any more (DeleteRecords, a leader's word). Never moves back. invalid_argument above the
  // high watermark that was published last.
  Status advance_log_start_offset(Offset offset);

  // Truncation, of a follower to what its leader has (epoch_truncation.h says to where). Everything at and above `offset`
  // goes; a batch that straddles it goes as a whole, so that log_end_offset() afterwards is `offset` or, then, less. Nothing
  // happens to a log that ends there or below, but for leader epochs that start at its end without records. Below the first
  // segment it is truncate_fully_and_start_at. The log's start, recovery point and high watermark come down to the new end;
  // producers, their snapshots, transaction indexes and leader epochs are those of what is left.
  //
  // It is one step between the appends: those that wait for a sync of records that go are refused (closed), those that are
  // being checked too, as when the leader's epoch ends; those that come later wait for it. Reads that come while it works
  // wait too and see what is left; a slice that was handed out before is of the file as it will be. When `done` has the
  // answer everything is on disk: no crash brings anything back. Until then a crash leaves the log as it was, or a prefix
  // that has at least what is below the offset. After a failure of the disk the log is offline.
  void truncate_to(Offset offset, UniqueFunction<void(Status)> done);
  // Nothing of what was there stays; the log is empty, and both its start and its end are `offset`.
  void truncate_fully_and_start_at(Offset offset, UniqueFunction<void(Status)> done);

  // Takes away the segments whose time has come by retention.ms, retention.bytes or the log's start; returns how many. The
  // log manager calls it for logs that are due (retention_schedule.h).
  std::size_t apply_retention(TimestampMs now);
  // Says when this log is due for retention, whether housekeeping has to look at it and whether there may be something to compact:
  // once after the load, before the shard has the log; the log itself says it again whenever that changes.
  void schedule_duties();

  // Syncs everything below the log end that is here now, then advances the recovery point.
  void flush(UniqueFunction<void(Status)> done);

  // flush.ms, producer expiry. The log manager calls it every few seconds for logs that may have something to do (log_duties.h).
  void housekeeping(TimestampMs now);

  // Compaction, for the log cleaner (log_compaction.cpp). What there is to do, by what is known now; a checkpoint that does not fit
  // the log is put right.
  CompactionCandidate compaction_candidate(TimestampMs now);
  // What a pass is to go through; null when there is nothing to be done or nobody may. From it to end_compaction, which follows in
  // any case, no other pass begins, and neither retention nor a removal touches the log's files.
  std::unique_ptr<CompactionInput> begin_compaction(TimestampMs now);
  // A compacted segment takes the place of its group. cancelled: the pass was aborted, the log is as it was, and the group's files
  // are the caller's. io: the disk has some of the new names; the log takes no more appends until it is recovered.
  void replace_segments(CleanedGroup group, UniqueFunction<void(Status)> done);
  // `cleaned_to`: up to where it is compacted now; nullopt: the pass did not come to its end.
  void end_compaction(std::optional<Offset> cleaned_to);
  // Any thread. The log has stopped, is offline, was cut or is no longer to be compacted: the pass over it is to end.
  [[nodiscard]] bool compaction_is_aborted() const;

  // For the scrubber (scrubber.h). The closed segment that holds `from`, or the first one above; nullopt: there is none.
  [[nodiscard]] std::optional<SegmentToScrub> segment_to_scrub(Offset from) const;
  // What was found in it: said, counted and remembered, unless the segment has left the log or changed meanwhile. False: it may be
  // about to change, so that it is to be read again.
  [[nodiscard]] bool scrubbed(const SegmentToScrub& segment, const std::vector<ScrubFinding>& findings);
  // Any thread. Batches of it are known to be damaged on the disk: it goes on as it is, but another replica should lead instead, and
  // this one be made anew from it (replication asks before it lets this broker lead). It ends when the damaged segments have left
  // the log by retention, truncation or compaction, or at the next start, which has to find them again.
  [[nodiscard]] bool is_damaged() const;
  [[nodiscard]] LogDamage& damage() const;  // any thread; as long as the log

  // Another log directory takes over (replica_move.h, log_move.cpp). `copy` is a log of the same partition and shard that is
  // being made there, or nullptr when none is any more: it hears of changes of the configuration, and `cut` of truncations, with
  // the offset from which on nothing stays, before the files change. Nothing is compacted meanwhile; a pass that runs ends soon.
  void begin_copy(std::shared_ptr<PartitionLog> copy, std::function<void(Offset)> cut);
  void end_copy() { begin_copy(nullptr, nullptr); }
  // What waits is forgotten, unanswered: whoever would have let it go on has ended.
  void abandon();
  // Appends and retention wait, in order, until release_appends.
  void hold_appends();
  void release_appends();
  // The copy, which has everything and has synced it, takes the place of this log's files. Between two appends and with nothing
  // of either log on the pool, the copy's directory gets what else is known, and `rename` runs there: it gives the directory
  // the log's name and answers its path. This object goes on with the copy's files; `copy` is the old ones' from then on, and has stopped.
  // cancelled: not now, nothing has happened.
  void take_over(std::shared_ptr<PartitionLog> copy, UniqueFunction<Result<std::string>()> rename,
                 UniqueFunction<void(Status)> done);
  // Of a copy: nothing is between its end and `offset`, from where on it goes on.
  Status skip_to(Offset offset);
  // Before anything is asked of it: this log is such a copy. It is never compacted, and takes batches of every size and format.
  void become_copy();

  [[nodiscard]] const LogConfig& config() const;
  void set_config(const LogConfig& config);

  // Appends and reads answer `closed` from now on. Used before the directory is renamed for deletion. Files already in slices stay open.
  void stop();
  // After stop, when the disk has the directory's new name, no earlier: until then a crash brings the log back, and it needs what the journal has.
  void leave_journal();
  // After stop: runs `done` when nothing of this log is left on the pool that could write into its directory.
  void when_idle(Job done);

  // The disk under it has failed: appends, reads and searches answer `storage` from now on, those that wait for a sync too.
  void go_offline(const Error& why);
  [[nodiscard]] bool is_offline() const;

  // Flushes, trims the indexes and writes the producers' snapshot: what a clean shutdown needs. Blocks; the shard runs no more.
  Status close();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace::log

// One partition as this broker hosts it: its log, and while this broker leads it, the leader's state and the fetches that wait.
// Owned by the partition's shard: every method is called in its tasks, every completion runs there.
//
// Calls of one source are carried out in the order in which they come, those of different sources may overtake each other.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <tl/expected.hpp>

#include "broker/base/shard.h"
#include "broker/base/types.h"
#include "broker/log/partition_log.h"
#include "broker/replication/fetch_wait.h"
#include "broker/replication/partition_leader.h"

namespace millrace::replication {

// Why a partition cannot be used by this request.
enum class PartitionRefusal : std::uint8_t {
  not_leader,            // another broker leads it, or nobody does
  fenced_leader_epoch,   // the client's epoch is older than the leader's
  unknown_leader_epoch,  // the client's epoch is newer: this broker has not heard of it yet
  not_enough_replicas,   // acks=all, and fewer in-sync replicas than min.insync.replicas
  offline,               // its log could not be opened, or its disk has failed
};

using CallSource = log::AppendSource;

struct AppendCall {
  MutableBytes batches;  // valid until the completion has run; written to in place
  TimestampMs now;
  bool all_replicas = false;  // acks=all: completes when the high watermark has reached the records
  CallSource source = 0;
  log::AppendOrigin origin = log::AppendOrigin::client;
  LeaderEpoch current_leader_epoch = LeaderEpoch::none();  // only in that term
  std::optional<log::VerificationGuard> verification{};    // as in log::AppendRequest
};

struct AppendFailure {
  std::optional<PartitionRefusal> refusal;  // set: nothing was tried
  log::AppendError error{};                 // else
};
using PartitionAppendOutcome = tl::expected<log::AppendResult, AppendFailure>;
using PartitionAppendCompletion = UniqueFunction<void(PartitionAppendOutcome)>;

struct FetchCall {
  Offset offset;
  LeaderEpoch current_leader_epoch = LeaderEpoch::none();
  std::uint64_t max_bytes = 0;
  bool min_one_message = false;
  bool read_committed = false;
  CallSource source = 0;
};

struct OffsetCall {
  TimestampMs timestamp;
  LeaderEpoch current_leader_epoch = LeaderEpoch::none();
  bool read_committed = false;
  CallSource source = 0;
};

// Of the topic: what clients that read older formats are refused or converted for.
struct FetchFormat {
  std::optional<protocol::Codec> codec{};  // compression.type; nullopt: as it came
  bool down_conversion = true;             // message.downconversion.enable
};

struct FetchResult {
  FileSlice records;
  std::uint64_t first_batch_bytes = 0;  // of the first batch, whole
  Offset high_watermark;
  Offset last_stable_offset;
  Offset log_start_offset;
  FetchFormat format{};
  std::vector<log::AbortedTransaction> aborted{};  // of read_committed
};

struct FetchFailure {
  std::optional<PartitionRefusal> refusal;
  log::ReadError error{};
  FetchFormat format{};
};
using PartitionFetchOutcome = tl::expected<FetchResult, FetchFailure>;
using PartitionFetchCompletion = UniqueFunction<void(PartitionFetchOutcome)>;

using PartitionOffsetOutcome = tl::expected<log::TimestampOffset, FetchFailure>;
using PartitionOffsetCompletion = UniqueFunction<void(PartitionOffsetOutcome)>;

// Why records are not deleted.
enum class DeletionFailure : std::uint8_t {
  not_leader,
  offline,
  policy,               // cleanup.policy has no "delete"
  offset_out_of_range,  // below 0, or above the high watermark
};
using PartitionDeletionOutcome = tl::expected<Offset, DeletionFailure>;  // the lowest start of the replicas' logs

// What a topic's configuration says to a partition.
struct PartitionConfig {
  log::LogConfig log;
  std::size_t min_in_sync_replicas = 1;  // min.insync.replicas

  friend bool operator==(const PartitionConfig&, const PartitionConfig&) = default;
};

class Partition : public std::enable_shared_from_this<Partition> {
 public:
  Partition(BrokerId self, std::shared_ptr<log::PartitionLog> log, const PartitionConfig& config);
  Partition(const Partition&) = delete;
  Partition& operator=(const Partition&) = delete;

  // This broker leads in `leader_epoch`. An epoch that is not newer than the current one changes nothing.
  Status lead(LeaderEpoch leader_epoch, const std::vector<BrokerId>& in_sync_replicas);
  // It does not lead any more: waiting fetches wake and learn it.
  void resign();
  // Its log is offline: as resign, but who waits for the high watermark hears that it is the disk.
  void go_offline();

  [[nodiscard]] bool is_leader() const { return leader_.has_value(); }
  [[nodiscard]] LeaderEpoch leader_epoch() const { return leader_ ? leader_->leader_epoch() : LeaderEpoch::none(); }
  [[nodiscard]] const std::shared_ptr<log::PartitionLog>& log() const { return log_; }
  [[nodiscard]] Offset high_watermark() const;
  // What a read_committed consumer may see up to.
  [[nodiscard]] Offset last_stable_offset() const;

  void set_config(const PartitionConfig& config);

  void append(const AppendCall& call, PartitionAppendCompletion done);
  // Consumers see the log up to the high watermark, or the last stable offset.
  void fetch(const FetchCall& call, PartitionFetchCompletion done);
  void find_offset(const OffsetCall& call, PartitionOffsetCompletion done);

  // Runs `job` behind what the same connection sent before: at once, unless the check of one of its appends takes long. append, fetch and
  // find_offset wait by themselves; what follows does not.
  void behind(CallSource source, Job job);

  // Nothing below `offset` is readable any more; -1: nothing below the high watermark (DeleteRecords).
  PartitionDeletionOutcome delete_records(Offset offset);

  // Where the largest epoch that is not above `requested` ends in the leader's log (OffsetForLeaderEpoch).
  [[nodiscard]] tl::expected<log::EpochEndOffset, PartitionRefusal> end_offset_for_epoch(
      LeaderEpoch current_leader_epoch, LeaderEpoch requested) const;

  // Counts every record that becomes readable from now on for `wait`; when more than `seen` is readable already, it wakes at
  // once. For read_committed nothing is counted: `wait` looks again when the last stable offset has moved. A wait that fired is
  // forgotten with the next append or by forget.
  void wait_for_records(FetchWaitPointer wait, Offset seen, bool read_committed = false);
  void forget(const FetchWait* wait);

 private:
  struct PendingAppend {
    Offset last_offset;
    log::AppendResult result;
    PartitionAppendCompletion done;
  };

  struct StandingWait {
    FetchWaitPointer wait;
    Offset seen;
    bool read_committed;
  };

  template <class Call, class Completion>
  void in_order(const Call& call, Completion done, void (Partition::*carry_out)(const Call&, Completion));
  void append_now(const AppendCall& call, PartitionAppendCompletion done);
  void fetch_now(const FetchCall& call, PartitionFetchCompletion done);
  void find_offset_now(const OffsetCall& call, PartitionOffsetCompletion done);
  [[nodiscard]] std::optional<PartitionRefusal> check_leader(LeaderEpoch current_leader_epoch) const;
  void on_appended(Offset end, std::uint64_t size_bytes);
  void count_all();
  void complete_pending();
  void end_leadership(PartitionRefusal why);

  const BrokerId self_;
  PartitionConfig config_;
  std::shared_ptr<log::PartitionLog> log_;
  std::optional<PartitionLeader> leader_;
  std::vector<StandingWait> waits_;
  std::vector<PendingAppend> pending_;  // acks=all, above the high watermark, by ascending offset
};

}  // namespace millrace::replication

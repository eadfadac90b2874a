// The move of one replica between two log directories of its broker while it is written to and read (KIP-113; Kafka:
// ReplicaAlterLogDirsThread, Partition.maybeReplaceCurrentWithFutureReplica):
//
//     copy      batches of the log, as they are, go to the copy from its end on, a piece at a time, in turn with other moves and
//               at the common rate (move_bounds.h) unless appends wait; a sync now and then bounds what the page cache holds
//     catch up  near the end everything is synced; then appends wait while what has come since follows
//     swap      the copy's directory takes the log's name, and the log goes on with the copy's files, all between two appends
//
// Produce and fetch requests are served throughout. Kafka swaps when the ends happen to be equal, and syncs nothing before
// it gives up the old files.
//
// What happens to the log meanwhile: a truncation cuts the copy too; when its start moves, so does the copy's; nothing is compacted.
// When either directory fails, the log stops, or the move is cancelled, it ends and the copy is its host's to remove.
//
// Owned by the log's shard: every method is called there. What reads runs on the shard's pool.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/result.h"
#include "broker/base/shard.h"
#include "broker/log/move_bounds.h"
#include "broker/log/partition_log.h"

namespace millrace::log {

class ReplicaMove : public std::enable_shared_from_this<ReplicaMove> {
 public:
  struct Host {
    // Gives the copy's directory the log's name, which the log's own gives up, and answers the copy's new path. Blocks, on the pool.
    std::function<Result<std::string>()> rename;
    // Once, on the shard, with nothing of the move under way any more. An error: the log is where it was.
    UniqueFunction<void(Status)> ended;
  };

  static constexpr std::uint64_t piece_bytes = std::uint64_t{256} << 10;
  static constexpr std::uint64_t bytes_between_syncs = std::uint64_t{16} << 20;

  // The bounds outlive it.
  ReplicaMove(std::shared_ptr<PartitionLog> log, std::shared_ptr<PartitionLog> copy, MoveBounds& bounds, Host host);

  // `end`: of the log when it was loaded. A copy that an earlier process has begun has nothing behind it that this log has.
  void start(std::optional<Offset> end = std::nullopt);
  // It ends soon, unless the swap has begun.
  void cancel();

 private:
  void next();
  void begin_piece();
  void wait_for_rate(Duration wait);
  void read_piece();
  void load_piece(FetchData data);
  void append_piece(const std::shared_ptr<std::vector<std::uint8_t>>& bytes);
  void appended(const AppendOutcome& outcome, Offset first_offset, std::uint64_t read_bytes);
  void skip_to(Offset offset);
  void follow_numbers();
  void begin_at(Offset offset);
  void cut_copy();
  void sync();
  void caught_up();
  void swap();
  void swapped(const Status& status);
  void release();
  void end(Status status);
  void fail_with(std::string message);
  Shard& shard() const { return log_->shard(); }
  // Runs `step` in a turn of its own.
  void later(void (ReplicaMove::*step)());

  const std::shared_ptr<PartitionLog> log_;
  const std::shared_ptr<PartitionLog> copy_;
  MoveBounds& bounds_;
  Host host_;
  bool cancelled_ = false;
  bool ended_ = false;
  bool has_turn_ = false;
  bool holds_ = false;  // the log's appends
  bool near_ = false;   // the last piece came to where the log ended when it was asked for
  Offset asked_end_;
  int syncs_near_end_ = 0;
  std::optional<Offset> cut_;             // the log was cut there: the copy is to be
  Offset within_batch_ = Offset::none();  // where the copy begins, when the log starts within its first batch
  std::uint64_t unsynced_bytes_ = 0;
  MonotonicTime resume_at_;
  std::optional<Shard::TimerId> pause_;  // while it waits for the rate
  std::uint64_t seen_rate_changes_ = 0;
};

}  // namespace millrace::log

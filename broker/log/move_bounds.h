// What all moves between log directories share (Kafka: ReplicaAlterLogDirsManager's threads and its quota): how many copy at the
// same time (num.replica.alter.log.dirs.threads), and how many bytes a second (replica.alter.log.dirs.io.max.bytes.per.second).
//
// A move takes a turn for each piece that it copies, so that many of them come forward together. Any thread; no lock is
// held while a turn begins.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <mutex>

#include "broker/base/clock.h"
#include "broker/base/shard.h"

namespace millrace::log {

class MoveBounds {
 public:
  static constexpr double no_rate = std::numeric_limits<double>::max();

  explicit MoveBounds(std::size_t turns) : free_turns_(turns == 0 ? 1 : turns) {}

  // Before the first.
  void set_turns(std::size_t turns);
  // Runs `begin`, perhaps at once, when it has a turn; end_turn gives it back.
  void take_turn(Job begin);
  void end_turn();
  // Those that wait get none any more.
  void forget_waiting();

  // So many bytes were copied. How long who has copied them is to wait; what the rate leaves unused is not saved up.
  Duration charge(std::uint64_t bytes, MonotonicTime now);
  // 0 lets nothing be copied.
  void set_rate(double bytes_per_second);
  // Who waits for longer than it takes this to change looks again.
  [[nodiscard]] std::uint64_t rate_changes() const { return rate_changes_; }
  [[nodiscard]] bool is_stopped() const { return stopped_; }

 private:
  std::mutex mutex_;
  std::size_t free_turns_;
  std::deque<Job> waiting_;
  double bytes_per_second_ = no_rate;
  MonotonicTime paid_until_;  // by then the rate has made up for what was copied
  std::atomic<std::uint64_t> rate_changes_{0};
  std::atomic<bool> stopped_{false};  // the rate is 0
};

}  // namespace millrace::log

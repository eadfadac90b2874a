// When shards share a thread. A thread that sleeps and is woken costs more than a small request, so shards that have little to do
// run on one thread, the host, one after the other; when that thread has no time left and the machine has cores to spare, they go
// back to threads of their own. Decides only: no threads, no clock.
//
// Owned by the thread whose load it judges.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <optional>

#include "broker/base/clock.h"

namespace millrace::network {

struct SharingConfig {
  bool enabled = true;
  Duration window = std::chrono::milliseconds(20);        // over which a thread's load is measured
  Duration split_after = std::chrono::milliseconds(100);  // of a host that has no time left
  Duration home_min = std::chrono::milliseconds(200);     // of a shard on its own thread, before it shares again
  // Shards part where one of them holds up the others: by one turn that is very long, or by several long ones in a short time.
  Duration very_long_turn = std::chrono::milliseconds(20);
  Duration long_turn = std::chrono::milliseconds(2);
  std::size_t long_turns = 3;
  Duration long_turns_within = std::chrono::milliseconds(250);
  Duration apart_after_long_turns = std::chrono::seconds(5);
  double join_below = 0.7;   // parts of one core, of both threads together
  double split_above = 0.9;  // of the host
};

// How much of its time a thread worked, a window at a time.
class ThreadLoad {
 public:
  explicit ThreadLoad(Duration window) : window_(window) {}

  // A turn that ended at `now` worked that long. True when a window is over: share() is then of that window.
  bool add(Duration worked, MonotonicTime now);
  [[nodiscard]] double share() const { return share_; }
  // The next window begins with the next turn.
  void restart() {
    began_.reset();
    worked_ = Duration::zero();
  }

 private:
  const Duration window_;
  std::optional<MonotonicTime> began_;
  Duration worked_ = Duration::zero();
  double share_ = 0;
};

// Finds the shards that hold up others. A machine that does something else for a moment makes one turn long; who costs his shard
// much makes many.
class LongTurns {
 public:
  explicit LongTurns(const SharingConfig& config) : config_(config) {}

  // A turn that ended at `now` worked that long. True: the shards part.
  bool add(Duration worked, MonotonicTime now);

 private:
  const SharingConfig config_;
  std::deque<MonotonicTime> ended_;  // the last long ones
};

// What the machine has left, counted since some instant in the past.
struct CpuSample {
  Duration idle = Duration::zero();   // of the cores that this process may use, added up
  Duration delay = Duration::zero();  // in which this thread could have run and had no core
};

class CpuSupply {
 public:
  CpuSupply() = default;
  CpuSupply(const CpuSupply&) = delete;
  CpuSupply& operator=(const CpuSupply&) = delete;
  virtual ~CpuSupply() = default;
  // Of the calling thread, and of the whole machine.
  [[nodiscard]] virtual CpuSample sample() = 0;
};

// Counts the idle time that this process may use: that of the cores, and no more than what its quota has left unused.
class UsableIdleTime {
 public:
  // Both counted since some instant of their own; `allowed` may fall, when the process uses more than it is granted. Returns what has come
  // together since the first call, and never falls.
  Duration add(Duration of_cores, Duration allowed);

 private:
  struct Counts {
    Duration of_cores;
    Duration allowed;
  };
  std::optional<Counts> before_;
  Duration idle_ = Duration::zero();
};

// The part of its time that a host works, for those who ask whether it has room for them. Any thread.
class HostLoad {
 public:
  [[nodiscard]] double share() const { return share_.load(std::memory_order_relaxed); }
  // The host's, after each window: what guests have taken since is in it or did not come.
  void publish(double share) { share_.store(share, std::memory_order_relaxed); }
  // Takes room for `more` before it is moved into, where the load still is what the caller has `seen`: others that look at the same time
  // must not count on the same room. False: somebody was faster.
  [[nodiscard]] bool take(double seen, double more) {
    return share_.compare_exchange_strong(seen, seen + more, std::memory_order_relaxed);
  }

 private:
  std::atomic<double> share_{0};
};

// A host's: how many of its guests go back to their own threads.
class HostSharing {
 public:
  HostSharing(const SharingConfig& config, CpuSupply& supply) : config_(config), supply_(supply) {}

  // After each window. More threads help when a core is idle, or when other processes crowd this one out; not when
  // the clients on the same machine use the rest of it.
  std::size_t leaving_guests(double share, MonotonicTime now);

 private:
  const SharingConfig config_;
  CpuSupply& supply_;
  std::optional<MonotonicTime> saturated_since_;
  CpuSample at_saturation_;
};

// A shard's that runs on its own thread: whether it moves in with the host.
class GuestSharing {
 public:
  explicit GuestSharing(const SharingConfig& config) : config_(config) {}

  void came_home(MonotonicTime now) { home_since_ = now; }
  [[nodiscard]] bool should_join(double own_share, double host_share, MonotonicTime host_apart_until,
                                 MonotonicTime now) const;

 private:
  const SharingConfig config_;
  std::optional<MonotonicTime> home_since_;
};

}  // namespace millrace::network

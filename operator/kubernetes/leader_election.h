// One operator of several acts: whoever holds a Lease and renews it in time.
//
// A Lease is not a fence: a leader that was stopped (SIGSTOP, a dead network) may wake up after its time. So the holder
// counts from when it *sent* its last renewal that succeeded, on its own monotonic clock, and leadership() is nothing
// from renew_deadline on, whatever the thread is doing; writers ask leadership() before each write, let no write take
// longer than what is left of it, and write nothing more once the term is another one than they began with. A candidate
// judges expiry by how long it has seen the record unchanged, also on its own clock, so clocks that differ between
// nodes do no harm.
//
//   sent renewal ----- renew_deadline 10 s: the holder stops writing ----- lease_duration 15 s: another may take it
//
// Runs on a thread of its own and should have an API client of its own, so that nothing else delays a renewal. Needs
// get, create and patch on the Lease. Callbacks run on that thread; is_leader() and leadership() from any. Source:
// coordination.k8s.io/v1; client-go's leaderelection.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include <nlohmann/json_fwd.hpp>

#include "broker/base/clock.h"
#include "broker/base/result.h"
#include "operator/kubernetes/object_reference.h"

namespace millrace {
class Random;
}

namespace millrace::kubernetes {

class KubernetesApi;

struct LeaderElectionOptions {
  std::string namespace_name{};
  std::string lease_name = "millrace-operator";
  std::string identity{};  // of this process, unique: the pod's name and a random part
  Duration lease_duration = std::chrono::seconds(15);
  Duration renew_deadline = std::chrono::seconds(10);
  Duration retry_period = std::chrono::seconds(2);
};

struct LeaderElectionCallbacks {
  std::function<void()> on_elected{};
  // The time is over or the Lease is another's: stop writing at once. Not called on stop().
  std::function<void(const std::string& why)> on_lost{};
  // Another process leads; for the log.
  std::function<void(const std::string& identity)> on_new_leader{};
};

// A time of leading without a gap: whoever finds the same term again knows that nobody else led in between.
struct Leadership {
  std::uint64_t term = 0;
  MonotonicTime until{};  // writes must have ended by then

  friend bool operator==(const Leadership&, const Leadership&) = default;
};

class LeaderElection {
 public:
  LeaderElection(KubernetesApi& api, const Clock& clock, Random& random, LeaderElectionOptions options,
                 LeaderElectionCallbacks callbacks);
  LeaderElection(const LeaderElection&) = delete;
  LeaderElection& operator=(const LeaderElection&) = delete;
  ~LeaderElection();

  // Names what is wrong in the options: no identity, or durations that do not hold lease > deadline > retry.
  [[nodiscard]] Status check_options() const;

  // A thread that calls step() until stop().
  void start();
  // Ends the thread and releases the Lease if it is held, so that the next leader need not wait.
  void stop();

  [[nodiscard]] bool is_leader() const { return leadership().has_value(); }
  // Nothing while this process does not lead.
  [[nodiscard]] std::optional<Leadership> leadership() const;

  // One attempt to acquire or renew; returns how long to wait before the next. start() uses it.
  Duration step();

 private:
  // The record as it was last read or written.
  struct Record {
    std::string holder{};  // empty: nobody, or not read yet
    std::string resource_version{};
    std::int64_t transitions = 0;
    Duration duration{};
    MonotonicTime unchanged_since{};
  };

  Status acquire_or_renew();
  Status read_lease();
  Status create_lease();
  Status write_holder(bool taking_over);
  void observe(const nlohmann::json& lease);
  void announce(const std::string& holder);
  void hold_until(MonotonicTime until);
  bool extend(MonotonicTime until);
  void begin_term(MonotonicTime until);
  bool end_term();
  void lose(const std::string& why);
  void warn(const Error& error);
  void release();
  void run(const std::stop_token& stop);
  [[nodiscard]] bool held_by_other() const;
  [[nodiscard]] Duration call_timeout() const;
  [[nodiscard]] ObjectReference reference() const;

  KubernetesApi& api_;
  const Clock& clock_;
  Random& random_;
  const LeaderElectionOptions options_;
  const LeaderElectionCallbacks callbacks_;

  // Of the election's thread.
  Record record_;
  bool reread_ = false;
  std::string announced_leader_;
  std::string last_warning_;

  // Only the election's thread writes these. `leading_` stays set after the time is over, until that thread has
  // noticed.
  mutable std::mutex leadership_mutex_;
  bool leading_ = false;
  Leadership leadership_;

  std::stop_source stop_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::thread thread_;
};

}  // namespace millrace::kubernetes

// One operator of several acts: whoever holds a Lease and renews it in time.
//
// A Lease is not a fence: a leader that was stopped (SIGSTOP, a dead network) may wake up after its time. So the holder
// counts from when it *sent* its last renewal that succeeded, on its own monotonic clock, and is_leader() is false from
// renew_deadline on, whatever the thread is doing; writers ask it before each write. A candidate judges expiry by how
// long it has seen the record unchanged, also on its own clock, so clocks that differ between nodes do no harm.
//
//   sent renewal ----- renew_deadline 10 s: the holder stops writing ----- lease_duration 15 s: another may take it
//
// Runs on a thread of its own and should have an API client of its own, so that nothing else delays a renewal.
// Callbacks run on that thread. Source: coordination.k8s.io/v1; client-go's leaderelection.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
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

class LeaderElection {
 public:
  LeaderElection(KubernetesApi& api, const Clock& clock, Random& random, LeaderElectionOptions options,
                 LeaderElectionCallbacks callbacks);
  LeaderElection(const LeaderElection&) = delete;
  LeaderElection& operator=(const LeaderElection&) = delete;
  ~LeaderElection();

  // A thread that calls step() until stop().
  void start();
  // Ends the thread and releases the Lease if it is held, so that the next leader need not wait.
  void stop();

  [[nodiscard]] bool is_leader() const;

  // One attempt to acquire or renew; returns how long to wait before the next. For tests; start() uses it.
  Duration step();

 private:
  struct Observed {
    std::string holder;
    std::string resource_version;
    std::int64_t transitions = 0;
    MonotonicTime since{};
    bool known = false;
  };

  Status try_acquire_or_renew(MonotonicTime sent_at);
  Status create_lease();
  Status take_or_renew(const nlohmann::json& lease);
  void observe(const nlohmann::json& lease);
  void became_leader(MonotonicTime sent_at);
  void lose(const std::string& why);
  void release();
  void run();
  [[nodiscard]] Duration call_timeout() const;
  [[nodiscard]] Duration jittered_retry();
  [[nodiscard]] ObjectReference reference() const;

  KubernetesApi& api_;
  const Clock& clock_;
  Random& random_;
  LeaderElectionOptions options_;
  LeaderElectionCallbacks callbacks_;
  Observed observed_;
  std::string announced_leader_{};
  std::string acquired_at_{};
  std::atomic<bool> leading_{false};
  std::atomic<MonotonicTime::rep> leading_until_{0};

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace millrace::kubernetes

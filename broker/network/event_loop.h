// One shard: its thread, its sockets, its timers and its mail. Internal to the network layer.
//
// A turn: wait for sockets or mail (one second at most), run what is ready up to a bound, then mail, due timers and own jobs,
// then send the mail to other shards. A receiver is woken only when it sleeps: it says so before it looks at its inbox a last
// time, and the sender pushes before it asks.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "broker/base/metrics.h"
#include "broker/base/result.h"
#include "broker/base/shard.h"
#include "broker/network/job_inbox.h"
#include "broker/network/socket_poller.h"
#include "broker/network/timer_heap.h"
#include "broker/network/unique_fd.h"

namespace millrace::network {

class EventLoop final : public Shard {
 public:
  static Result<std::unique_ptr<EventLoop>> create(ShardId id, BlockingPool& pool, BlockingPool& workers,
                                                   Duration slow_turn_warning, MetricsRegistry& metrics);
  ~EventLoop() override;

  // Before start(): all loops of the runtime by id.
  void introduce(std::span<const std::unique_ptr<EventLoop>> loops);
  Status start();
  // Ends the loop after the mail that is there now; join() waits for it.
  void request_stop();
  void join();

  [[nodiscard]] ShardId id() const override { return id_; }
  [[nodiscard]] bool is_current() const override { return current_ == this; }
  void post(Job job) override;
  TimerId after(Duration delay, Job job) override;
  void cancel(TimerId timer) override;
  [[nodiscard]] const Clock& clock() const override { return clock_; }
  [[nodiscard]] BlockingPool& pool() override { return pool_; }
  [[nodiscard]] BlockingPool& workers() override { return workers_; }

  [[nodiscard]] SocketPoller& sockets() { return sockets_; }
  // When the turn that is running began; spares its jobs a look at the clock.
  [[nodiscard]] MonotonicTime turn_time() const { return turn_time_; }
  // When the last turn began. Any thread.
  [[nodiscard]] MonotonicTime last_turn() const {
    return MonotonicTime(Duration(last_turn_.load(std::memory_order_relaxed)));
  }

 private:
  EventLoop(ShardId id, BlockingPool& pool, BlockingPool& workers, Duration slow_turn_warning,
            MetricsRegistry& metrics);

  void run();
  void turn();
  Duration wait_limit();
  void run_ready_sockets(Duration wait);
  void run_mail();
  void run_timers();
  void run_own_jobs();
  void send_mail();
  void send_mail_to(EventLoop& receiver, std::vector<Job>& jobs);
  void deliver(std::vector<Job> jobs);
  void wake();
  void finish();

  // Its event is the wake: it is told of each write (edge-triggered), and what was written is never read.
  struct Alarm final : SocketWatcher {
    void on_ready(Readiness) override {}
  };

  static thread_local EventLoop* current_;

  const ShardId id_;
  BlockingPool& pool_;
  BlockingPool& workers_;
  const Duration slow_turn_warning_;
  SystemClock clock_;
  SocketPoller sockets_;
  UniqueFd alarm_descriptor_;
  Alarm alarm_;
  TimerHeap timers_;
  std::vector<Job> own_jobs_;
  std::vector<Job> running_jobs_;  // kept for its capacity
  std::vector<EventLoop*> loops_;
  std::vector<std::vector<Job>> outgoing_;   // by receiver
  std::vector<ShardId> outgoing_receivers_;  // whose outgoing_ is not empty
  MonotonicTime turn_time_{};
  bool finished_ = false;
  std::thread thread_;
  MetricsRegistry::Counter turns_slow_;
  MetricsRegistry::Counter wakes_;

  alignas(64) JobInbox inbox_;
  std::atomic<bool> sleeping_{false};
  std::atomic<bool> stopped_{false};
  std::atomic<std::int64_t> last_turn_{0};
};

// The runtime's shards are all event loops.
inline EventLoop& as_event_loop(Shard& shard) { return static_cast<EventLoop&>(shard); }

}  // namespace millrace::network

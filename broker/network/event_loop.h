// One shard: its sockets, its timers and its mail. Internal to the network layer.
//
// A turn: wait for sockets or mail (one second at most), run what is ready up to a bound, then mail, due timers and own jobs,
// then send the mail to other shards. A receiver is woken only when it sleeps: it says so before it looks at its inbox a last
// time, and the sender pushes before it asks. One thread at a time runs a loop, its own or one that several shards share
// (shard_thread.h); a job from one shard to another on the same thread goes straight to the other's own jobs.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "broker/base/metrics.h"
#include "broker/base/result.h"
#include "broker/base/shard.h"
#include "broker/network/event_loop_config.h"
#include "broker/network/job_inbox.h"
#include "broker/network/socket_poller.h"
#include "broker/network/timer_heap.h"
#include "broker/network/unique_fd.h"

namespace millrace::network {

class ShardThread;

class EventLoop final : public Shard {
 public:
  static Result<std::unique_ptr<EventLoop>> create(ShardId id, BlockingPool& pool, BlockingPool& workers,
                                                   const EventLoopConfig& config, MetricsRegistry& metrics);
  ~EventLoop() override;

  // Before a thread runs it: all loops of the runtime by id.
  void introduce(std::span<const std::unique_ptr<EventLoop>> loops);
  // Ends the loop after the mail that is there now.
  void request_stop();
  // After the threads have ended: what was posted too late is destroyed.
  void close();

  [[nodiscard]] ShardId id() const override { return id_; }
  [[nodiscard]] bool is_current() const override { return current_ == this; }
  void post(Job job) override;
  TimerId after(Duration delay, Job job) override;
  void cancel(TimerId timer) override;
  void run_aside(Job job) override;
  [[nodiscard]] Duration slice() const override { return config_.slice; }
  [[nodiscard]] const Clock& clock() const override { return clock_; }
  [[nodiscard]] BlockingPool& pool() override { return pool_; }
  [[nodiscard]] BlockingPool& workers() override { return workers_; }

  // For the thread that runs the loop now, a turn in pieces: prepare_sleep(), a wait of sockets(), woke_up(), run_turn().
  //
  // How long the loop may sleep. From here on until woke_up() a sender wakes it.
  Duration prepare_sleep(MonotonicTime now);
  void woke_up() { sleeping_.store(false, std::memory_order_relaxed); }
  // Runs what sockets, mail, timers and own jobs bring. `now` is the end of the sleep, `slept` its bound.
  void run_turn(MonotonicTime now, Duration slept);
  // What has come from other shards of the thread meanwhile.
  void run_more_jobs();
  void send_mail();
  [[nodiscard]] bool has_jobs() const { return !own_jobs_.empty() || !inbox_.empty(); }
  [[nodiscard]] bool finished() const { return finished_; }
  void finish();
  // Null: nobody. Two loops that one thread runs post to each other without mail.
  void run_by(const ShardThread* thread) { runner_.store(thread, std::memory_order_relaxed); }

  [[nodiscard]] SocketPoller& sockets() { return sockets_; }
  // When the turn that is running began; spares its jobs a look at the clock.
  [[nodiscard]] MonotonicTime turn_time() const { return turn_time_; }
  // When the last turn began. Any thread.
  [[nodiscard]] MonotonicTime last_turn() const {
    return MonotonicTime(Duration(last_turn_.load(std::memory_order_relaxed)));
  }

 private:
  EventLoop(ShardId id, BlockingPool& pool, BlockingPool& workers, const EventLoopConfig& config,
            MetricsRegistry& metrics);

  class Running;

  void run_mail();
  void run_timers();
  void run_own_jobs();
  void run_one_aside();
  void send_mail_to(EventLoop& receiver, std::vector<Job>& jobs);
  void deliver(std::vector<Job> jobs);
  void wake();

  // Its event is the wake: it is told of each write (edge-triggered), and what was written is never read.
  struct Alarm final : SocketWatcher {
    void on_ready(Readiness) override {}
  };

  static thread_local EventLoop* current_;

  const ShardId id_;
  BlockingPool& pool_;
  BlockingPool& workers_;
  const EventLoopConfig config_;
  SystemClock clock_;
  SocketPoller sockets_;
  UniqueFd alarm_descriptor_;
  Alarm alarm_;
  TimerHeap timers_;
  std::vector<Job> own_jobs_;
  std::vector<Job> running_jobs_;  // kept for its capacity
  std::deque<Job> jobs_aside_;     // one a turn
  std::vector<EventLoop*> loops_;
  std::vector<std::vector<Job>> outgoing_;   // by receiver
  std::vector<ShardId> outgoing_receivers_;  // whose outgoing_ is not empty
  MonotonicTime turn_time_{};
  bool finished_ = false;
  MetricsRegistry::Counter turns_slow_;
  MetricsRegistry::Counter wakes_;
  MetricsRegistry::Counter put_aside_;

  alignas(64) JobInbox inbox_;
  std::atomic<bool> sleeping_{false};
  std::atomic<bool> stopped_{false};
  std::atomic<std::int64_t> last_turn_{0};
  std::atomic<const ShardThread*> runner_{nullptr};
};

// The runtime's shards are all event loops.
inline EventLoop& as_event_loop(Shard& shard) { return static_cast<EventLoop&>(shard); }

}  // namespace millrace::network

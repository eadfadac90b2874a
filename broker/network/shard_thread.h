// The thread of one shard, and of those that have moved in with it. Internal to the network layer.
//
// Each shard has a thread. While little is to be done the threads of all but the first sleep and the first, the host, runs their
// loops after its own in each turn: their sockets are watched through the host's (an epoll in an epoll), and jobs between them
// need no wake. Who moves when is decided in thread_sharing.h; a shard moves between turns only, so that no lock is needed.
//
// Owned by the runtime: start() and join() are its calls, all else happens on the thread itself. Errors: resource_exhausted when the
// thread cannot be started; where a shard's sockets cannot be watched by the host, the shard stays on its own thread.
//
// Order of jobs from one shard to another: on one thread they go to the receiver's own jobs, otherwise by mail, which is run before
// own jobs. Before a shard moves out it runs what it was given, and the others run what it gave them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <semaphore>
#include <thread>
#include <vector>

#include "broker/base/metrics.h"
#include "broker/base/result.h"
#include "broker/network/event_loop.h"
#include "broker/network/socket_poller.h"
#include "broker/network/system_cpu_supply.h"
#include "broker/network/thread_sharing.h"

namespace millrace::network {

class ShardThread {
 public:
  // `host` is null for the first one. Without a `supply` the system's is asked. What is pointed to outlives this.
  ShardThread(EventLoop& home, ShardThread* host, const SharingConfig& config, CpuSupply* supply,
              MetricsRegistry& metrics);
  ShardThread(const ShardThread&) = delete;
  ShardThread& operator=(const ShardThread&) = delete;
  ~ShardThread();

  Status start();
  // Waits until the shard has ended (EventLoop::request_stop).
  void join();

 private:
  struct Guest;
  class Ticket;

  void run();
  void turn();
  Duration prepare_sleep(MonotonicTime now);
  void run_guests(Duration slept);
  void judge_load(MonotonicTime now);
  void move_in_with_host();
  void adopt(ShardThread& owner);
  template <class Leaves>
  void give_back(Leaves leaves);
  void give_back_busiest(std::size_t count);

  EventLoop& home_;
  ShardThread* const host_;
  const SharingConfig config_;
  const SystemClock clock_;
  SystemCpuSupply system_supply_;
  ThreadLoad load_;
  LongTurns long_turns_;
  HostSharing host_sharing_;
  GuestSharing guest_sharing_;
  std::vector<std::unique_ptr<Guest>> guests_;
  MonotonicTime woke_{};
  std::binary_semaphore came_home_{0};
  std::thread thread_;
  MetricsRegistry::Gauge shards_that_share_;

  // The host's, for those who ask whether they may come.
  HostLoad host_load_;
  std::atomic<std::int64_t> apart_until_{0};
};

}  // namespace millrace::network

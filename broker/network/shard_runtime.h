// The process's shards on real threads: one event loop (on epoll) per shard, run to completion, and a thread for each shard that has
// work for one; shards with little to do share the thread of shard 0.
//
// Jobs that one shard posts to another wait in the sender until the end of its turn (or until there are many), travel as one
// batch and cost one wake, and only when the receiver sleeps. Other threads may post too: a batch of one. Order is kept per sender.
// Timers are one heap per shard, with a resolution of one millisecond; a delay is never cut short.
//
// Threads: start() and stop() from one thread that is no shard; the heartbeat from any. The runtime outlives everything that
// holds one of its shards. Errors: resource_exhausted or io when the loop's descriptors cannot be had.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "broker/base/metrics.h"
#include "broker/base/result.h"
#include "broker/base/shard.h"
#include "broker/network/event_loop_config.h"
#include "broker/network/thread_sharing.h"

namespace millrace::network {

class BlockingThreads;
class EventLoop;
class ShardThread;

struct ShardRuntimeConfig {
  std::size_t shards = 1;  // num.network.threads has no equal here: a shard serves connections and partitions
  std::size_t blocking_threads_max = 8;  // started on demand
  std::size_t worker_threads_max = 0;    // the same; 0: as many as shards
  EventLoopConfig loop = {};
  SharingConfig sharing = {};
  CpuSupply* cpu_supply = nullptr;  // outlives the runtime; null: the system's
};

class ShardRuntime final : public ShardGroup {
 public:
  // The threads run when this returns. `metrics` outlives the runtime.
  static Result<std::unique_ptr<ShardRuntime>> start(const ShardRuntimeConfig& config, MetricsRegistry& metrics);
  ~ShardRuntime() override;  // stops

  [[nodiscard]] std::size_t size() const override { return loops_.size(); }
  [[nodiscard]] Shard& at(ShardId id) override;
  [[nodiscard]] BlockingPool& pool();

  // How long ago the slowest shard last began a turn: a loop that is alive begins one at least every second, even when idle.
  [[nodiscard]] Duration longest_silence() const;

  // Runs what was submitted to the workers and the pool, then what was posted to the shards, destroys timers and ends the threads.
  // Jobs that are posted or submitted afterwards are destroyed. A second call does nothing.
  void stop();

  // For the network layer itself.
  [[nodiscard]] EventLoop& loop(ShardId id);

 private:
  ShardRuntime() = default;

  std::unique_ptr<BlockingThreads> pool_;
  std::unique_ptr<BlockingThreads> workers_;
  std::vector<std::unique_ptr<EventLoop>> loops_;
  std::vector<std::unique_ptr<ShardThread>> threads_;
  bool stopped_ = false;
};

}  // namespace millrace::network

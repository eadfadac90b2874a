#include "broker/network/shard_runtime.h"

#include <algorithm>
#include <string>
#include <utility>

#include "broker/base/check.h"
#include "broker/network/blocking_threads.h"
#include "broker/network/event_loop.h"
#include "broker/network/shard_thread.h"

namespace millrace::network {

Result<std::unique_ptr<ShardRuntime>> ShardRuntime::start(const ShardRuntimeConfig& config, MetricsRegistry& metrics) {
  if (config.shards == 0 || config.shards > 1024) {
    return fail(ErrorKind::invalid_argument,
                "the number of shards is " + std::to_string(config.shards) + ", allowed are 1 to 1024");
  }
  std::unique_ptr<ShardRuntime> runtime(new ShardRuntime());
  runtime->pool_ = std::make_unique<BlockingThreads>(
      "blocking", config.blocking_threads_max,
      metrics.gauge("millrace_blocking_pool_queued", "Blocking calls that wait for a thread"));
  runtime->workers_ = std::make_unique<BlockingThreads>(
      "worker", config.worker_threads_max > 0 ? config.worker_threads_max : config.shards,
      metrics.gauge("millrace_workers_queued", "Long computations that wait for a thread"));
  for (ShardId id = 0; id < config.shards; ++id) {
    auto loop = EventLoop::create(id, *runtime->pool_, *runtime->workers_, config.loop, metrics);
    if (!loop) return tl::unexpected(loop.error());
    runtime->loops_.push_back(std::move(*loop));
  }
  for (auto& loop : runtime->loops_) loop->introduce(runtime->loops_);
  for (auto& loop : runtime->loops_) {
    auto* host = runtime->threads_.empty() ? nullptr : runtime->threads_.front().get();
    auto& thread = runtime->threads_.emplace_back(
        std::make_unique<ShardThread>(*loop, host, config.sharing, config.cpu_supply, metrics));
    if (auto started = thread->start(); !started) return tl::unexpected(started.error());
  }
  return runtime;
}

ShardRuntime::~ShardRuntime() { stop(); }

Shard& ShardRuntime::at(ShardId id) { return loop(id); }

BlockingPool& ShardRuntime::pool() { return *pool_; }

EventLoop& ShardRuntime::loop(ShardId id) {
  MILLRACE_INVARIANT(id < loops_.size(), "there is no such shard");
  return *loops_[id];
}

Duration ShardRuntime::longest_silence() const {
  auto now = SystemClock().now();
  auto longest = Duration::zero();
  for (const auto& loop : loops_) longest = std::max(longest, now - loop->last_turn());
  return longest;
}

void ShardRuntime::stop() {
  if (std::exchange(stopped_, true)) return;
  if (workers_) workers_->stop();
  if (pool_) pool_->stop();
  for (auto& loop : loops_) loop->request_stop();
  for (auto& thread : threads_) thread->join();
  for (auto& loop : loops_) loop->close();
}

}  // namespace millrace::network

// The threads of one simulated process: shards, the pool for what blocks, workers, and background threads. All of them
// are scheduled by a SimulatedScheduler, which may have those of other processes too.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/base/shard.h"
#include "test/sim/executor.h"
#include "test/sim/simulated_scheduler.h"

namespace millrace::sim {

class SimulatedPool final : public BlockingPool {
 public:
  SimulatedPool(SimulatedScheduler& scheduler, std::string name, std::uint64_t threads)
      : executor_(scheduler, std::move(name), threads, false) {}

  void submit(Job work) override { executor_.post(std::move(work)); }
  void stop() { executor_.stop(); }
  [[nodiscard]] bool is_idle() const { return executor_.is_idle(); }

 private:
  Executor executor_;
};

class SimulatedShard final : public Shard {
 public:
  SimulatedShard(SimulatedScheduler& scheduler, std::string name, ShardId id, BlockingPool& pool, BlockingPool& workers)
      : id_(id),
        scheduler_(scheduler),
        executor_(scheduler, std::move(name), 1, true),
        pool_(pool),
        workers_(workers) {}

  [[nodiscard]] ShardId id() const override { return id_; }
  [[nodiscard]] bool is_current() const override { return executor_.is_current(); }
  void post(Job job) override { executor_.post(std::move(job)); }
  TimerId after(Duration delay, Job job) override { return executor_.after(delay, std::move(job)); }
  void cancel(TimerId timer) override { executor_.cancel(timer); }
  [[nodiscard]] const Clock& clock() const override { return scheduler_.clock(); }
  [[nodiscard]] BlockingPool& pool() override { return pool_; }
  [[nodiscard]] BlockingPool& workers() override { return workers_; }
  void stop() { executor_.stop(); }

 private:
  const ShardId id_;
  SimulatedScheduler& scheduler_;
  Executor executor_;
  BlockingPool& pool_;
  BlockingPool& workers_;
};

class SimulatedShards final : public ShardGroup {
 public:
  struct Threads {
    std::uint32_t shards = 3;
    std::uint64_t pool = 4;
    std::uint64_t workers = 2;
    std::uint64_t background = 2;
  };

  // The scheduler outlives them. `name` stands in the story of a failure.
  SimulatedShards(SimulatedScheduler& scheduler, const std::string& name, const Threads& threads)
      : pool_(scheduler, name + " pool", threads.pool),
        workers_(scheduler, name + " workers", threads.workers),
        background_(scheduler, name + " background", threads.background) {
    for (ShardId id = 0; id < threads.shards; ++id)
      shards_.push_back(
          std::make_unique<SimulatedShard>(scheduler, name + " shard " + std::to_string(id), id, pool_, workers_));
  }
  // What was queued is destroyed.
  ~SimulatedShards() override { stop(); }

  // All threads end where they are, between two jobs, as those of a process that is killed.
  void stop() {
    stop_shards();
    pool_.stop();
    workers_.stop();
    background_.stop();
  }

  // The shards alone, as at a clean stop: what the others have been given goes on.
  void stop_shards() {
    for (auto& shard : shards_) shard->stop();
  }
  // But for the shards.
  [[nodiscard]] bool is_idle() const { return pool_.is_idle() && workers_.is_idle() && background_.is_idle(); }

  [[nodiscard]] std::size_t size() const override { return shards_.size(); }
  [[nodiscard]] Shard& at(ShardId id) override { return *shards_.at(id); }
  [[nodiscard]] BlockingPool& pool() { return pool_; }
  [[nodiscard]] BlockingPool& background() { return background_; }

 private:
  SimulatedPool pool_;
  SimulatedPool workers_;
  SimulatedPool background_;
  std::vector<std::unique_ptr<SimulatedShard>> shards_;
};

}  // namespace millrace::sim

// Threads beside the shards, for calls that block or compute: up to a bounded number, started when work waits and all
// others are busy.
// Jobs start in the order of submission. Any thread may submit.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "broker/base/metrics.h"
#include "broker/base/shard.h"

namespace millrace::network {

class BlockingThreads final : public BlockingPool {
 public:
  // `name` is that of the threads, 15 letters at most; `queued` shows how many jobs wait.
  BlockingThreads(std::string name, std::size_t threads_max, MetricsRegistry::Gauge queued);
  ~BlockingThreads() override;

  void submit(Job work) override;
  // Runs what was submitted, then joins. What is submitted later is destroyed.
  void stop();

 private:
  void start_thread();
  void run();

  const std::string name_;
  const std::size_t threads_max_;
  MetricsRegistry::Gauge queued_;
  std::mutex mutex_;
  std::condition_variable has_work_;
  std::deque<Job> jobs_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace millrace::network

// The pool for calls that block: up to a bounded number of threads, started when work waits and all others are busy.
// Jobs start in the order of submission. Any thread may submit.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "broker/base/metrics.h"
#include "broker/base/shard.h"

namespace millrace::network {

class BlockingThreads final : public BlockingPool {
 public:
  BlockingThreads(std::size_t threads_max, MetricsRegistry& metrics);
  ~BlockingThreads() override;

  void submit(Job work) override;
  // Runs what was submitted, then joins. What is submitted later is destroyed.
  void stop();

 private:
  void start_thread();
  void run();

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

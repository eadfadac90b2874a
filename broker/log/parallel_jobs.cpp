#include "broker/log/parallel_jobs.h"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace millrace::log {
namespace {

struct Queue {
  std::mutex mutex;
  std::condition_variable all_done;
  std::vector<std::function<void()>> jobs;
  std::size_t taken = 0;
  std::size_t finished = 0;

  void work() {
    std::unique_lock lock(mutex);
    while (taken < jobs.size()) {
      auto job = std::move(jobs[taken++]);
      lock.unlock();
      job();
      job = nullptr;
      lock.lock();
      if (++finished == jobs.size()) all_done.notify_all();
    }
  }
};

}  // namespace

void run_in_parallel(BlockingPool& pool, std::size_t helpers, std::vector<std::function<void()>> jobs) {
  auto queue = std::make_shared<Queue>();
  queue->jobs = std::move(jobs);
  for (std::size_t helper = 0; helper < std::min(helpers, queue->jobs.size()); ++helper)
    pool.submit([queue] { queue->work(); });
  queue->work();
  std::unique_lock lock(queue->mutex);
  queue->all_done.wait(lock, [&] { return queue->finished == queue->jobs.size(); });
}

void run_on_own_threads(std::size_t helpers, std::vector<std::function<void()>> jobs) {
  Queue queue;
  queue.jobs = std::move(jobs);
  helpers = std::min(helpers, queue.jobs.size());
  std::vector<std::thread> threads;
  threads.reserve(helpers);
  try {
    while (threads.size() < helpers) threads.emplace_back([&queue] { queue.work(); });
  } catch (const std::system_error&) {
    // Those that there are, and this one, do the work.
  }
  queue.work();
  for (auto& thread : threads) thread.join();
}

}  // namespace millrace::log

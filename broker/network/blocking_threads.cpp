#include "broker/network/blocking_threads.h"

#include <pthread.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "broker/base/check.h"
#include "broker/base/logging.h"
#include "broker/base/thread_signals.h"

namespace millrace::network {

BlockingThreads::BlockingThreads(std::string name, std::size_t threads_max, MetricsRegistry::Gauge queued)
    : name_(std::move(name)), threads_max_(std::max<std::size_t>(threads_max, 1)), queued_(queued) {}

BlockingThreads::~BlockingThreads() { stop(); }

void BlockingThreads::submit(Job work) {
  std::unique_lock lock(mutex_);
  if (stopping_) {
    lock.unlock();
    return;  // `work` dies without the lock: its destructor may come back here
  }
  jobs_.push_back(std::move(work));
  queued_.set(static_cast<double>(jobs_.size()));
  if (jobs_.size() > idle_ && threads_.size() < threads_max_) start_thread();
  has_work_.notify_one();
}

void BlockingThreads::stop() {
  std::vector<std::thread> threads;
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
    has_work_.notify_all();
  }
  for (auto& thread : threads) thread.join();
}

void BlockingThreads::start_thread() {
  try {
    SignalsBlocked blocked;
    threads_.emplace_back([this] { run(); });
  } catch (const std::system_error& error) {
    // The others do its work; without any other there is nobody.
    MILLRACE_INVARIANT(!threads_.empty(), "the system gives no thread beside the shards");
    Logger{"network"}.warning(std::string("cannot start another thread beside the shards: ") + error.what());
  }
}

void BlockingThreads::run() {
  pthread_setname_np(pthread_self(), name_.c_str());
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    has_work_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    --idle_;
    if (jobs_.empty()) return;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    queued_.set(static_cast<double>(jobs_.size()));
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
}

}  // namespace millrace::network

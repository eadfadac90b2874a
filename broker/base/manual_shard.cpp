#include "broker/base/manual_shard.h"

#include <algorithm>
#include <thread>

namespace millrace {

void ManualShard::post(Job job) {
  std::lock_guard lock(mutex_);
  jobs_.push_back(std::move(job));
}

Shard::TimerId ManualShard::after(Duration delay, Job job) {
  auto timer = next_timer_++;
  timers_.emplace(std::pair(clock_.now() + std::max(delay, Duration::zero()), timer), std::move(job));
  return timer;
}

void ManualShard::cancel(TimerId timer) {
  std::erase_if(timers_, [&](const auto& entry) { return entry.first.second == timer; });
}

std::size_t ManualShard::run() {
  std::size_t count = 0;
  bool outer = std::exchange(running_, true);
  while (true) {
    Job job;
    {
      std::lock_guard lock(mutex_);
      if (jobs_.empty()) break;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
    ++count;
  }
  running_ = outer;
  return count;
}

void ManualShard::advance(Duration duration) {
  run();
  auto until = clock_.now() + duration;
  while (!timers_.empty() && timers_.begin()->first.first <= until) {
    auto due = timers_.begin()->first.first;
    if (due > clock_.now()) clock_.advance(due - clock_.now());
    Job job = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    bool outer = std::exchange(running_, true);
    job();
    running_ = outer;
    run();
  }
  if (until > clock_.now()) clock_.advance(until - clock_.now());
}

bool ManualShard::wait_for_post(const Clock& real, MonotonicTime deadline) {
  while (real.now() < deadline) {
    {
      std::lock_guard lock(mutex_);
      if (!jobs_.empty()) return true;
    }
    std::this_thread::yield();
  }
  return false;
}

}  // namespace millrace

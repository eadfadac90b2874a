#include "operator/kubernetes/work_queue.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace millrace::kubernetes {

WorkQueue::WorkQueue(const Clock& clock, const WorkQueueLimits& limits)
    : clock_(clock), limits_(limits), tokens_(limits.retries_burst), tokens_at_(clock.now()) {}

void WorkQueue::add(const ObjectKey& key) {
  std::lock_guard lock(mutex_);
  add_locked(key);
}

void WorkQueue::add_after(const ObjectKey& key, Duration delay) {
  std::lock_guard lock(mutex_);
  add_after_locked(key, delay);
}

void WorkQueue::add_with_backoff(const ObjectKey& key) {
  std::lock_guard lock(mutex_);
  std::uint32_t failure_count = failures_[key]++;
  double backoff = static_cast<double>(limits_.backoff_min.count()) * std::pow(2.0, failure_count);
  Duration delay = backoff >= static_cast<double>(limits_.backoff_max.count())
                       ? limits_.backoff_max
                       : Duration(static_cast<Duration::rep>(backoff));
  add_after_locked(key, std::max(delay, bucket_delay_locked()));
}

void WorkQueue::forget(const ObjectKey& key) {
  std::lock_guard lock(mutex_);
  failures_.erase(key);
}

std::uint32_t WorkQueue::failures(const ObjectKey& key) const {
  std::lock_guard lock(mutex_);
  auto found = failures_.find(key);
  return found == failures_.end() ? 0 : found->second;
}

std::optional<ObjectKey> WorkQueue::get() {
  std::unique_lock lock(mutex_);
  while (!shut_down_) {
    promote_due_locked();
    if (!ready_.empty()) return take_locked();
    if (waiting_.empty()) {
      changed_.wait(lock);
    } else {
      changed_.wait_for(lock, waiting_.begin()->first - clock_.now());
    }
  }
  return std::nullopt;
}

std::optional<ObjectKey> WorkQueue::try_get() {
  std::lock_guard lock(mutex_);
  if (shut_down_) return std::nullopt;
  promote_due_locked();
  return take_locked();
}

void WorkQueue::done(const ObjectKey& key) {
  std::lock_guard lock(mutex_);
  processing_.erase(key);
  if (dirty_.contains(key)) {
    ready_.push_back(key);
    changed_.notify_one();
  }
}

void WorkQueue::shut_down() {
  std::lock_guard lock(mutex_);
  shut_down_ = true;
  changed_.notify_all();
}

std::size_t WorkQueue::ready_count() const {
  std::lock_guard lock(mutex_);
  return ready_.size();
}

std::size_t WorkQueue::waiting_count() const {
  std::lock_guard lock(mutex_);
  return waiting_.size();
}

void WorkQueue::add_locked(const ObjectKey& key) {
  if (shut_down_ || !dirty_.insert(key).second) return;
  if (processing_.contains(key)) return;  // done() brings it back
  ready_.push_back(key);
  changed_.notify_one();
}

void WorkQueue::add_after_locked(const ObjectKey& key, Duration delay) {
  if (shut_down_) return;
  if (delay <= Duration::zero()) {
    add_locked(key);
    return;
  }
  MonotonicTime due = clock_.now() + delay;
  auto [found, is_new] = due_.try_emplace(key, due);
  if (!is_new) {
    if (found->second <= due) return;
    waiting_.erase({found->second, key});
    found->second = due;
  }
  waiting_.emplace(due, key);
  changed_.notify_one();  // a sleeper may have to wake up earlier
}

void WorkQueue::promote_due_locked() {
  MonotonicTime now = clock_.now();
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    ObjectKey key = waiting_.begin()->second;
    waiting_.erase(waiting_.begin());
    due_.erase(key);
    add_locked(key);
  }
}

std::optional<ObjectKey> WorkQueue::take_locked() {
  if (ready_.empty()) return std::nullopt;
  ObjectKey key = std::move(ready_.front());
  ready_.pop_front();
  dirty_.erase(key);
  processing_.insert(key);
  return key;
}

// Takes one token, on credit if there is none: the debt is the wait.
Duration WorkQueue::bucket_delay_locked() {
  MonotonicTime now = clock_.now();
  double elapsed_seconds = std::chrono::duration<double>(now - tokens_at_).count();
  tokens_ = std::min(limits_.retries_burst, tokens_ + elapsed_seconds * limits_.retries_per_second) - 1;
  tokens_at_ = now;
  if (tokens_ >= 0) return Duration::zero();
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(-tokens_ / limits_.retries_per_second));
}

}  // namespace millrace::kubernetes

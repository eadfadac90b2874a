#include "broker/log/move_bounds.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace millrace::log {

void MoveBounds::set_turns(std::size_t turns) {
  std::lock_guard lock(mutex_);
  free_turns_ = turns == 0 ? 1 : turns;
}

void MoveBounds::take_turn(Job begin) {
  {
    std::lock_guard lock(mutex_);
    if (free_turns_ == 0) {
      waiting_.push_back(std::move(begin));
      return;
    }
    --free_turns_;
  }
  begin();
}

void MoveBounds::end_turn() {
  Job next;
  {
    std::lock_guard lock(mutex_);
    if (waiting_.empty()) {
      ++free_turns_;
      return;
    }
    next = std::move(waiting_.front());
    waiting_.pop_front();
  }
  next();
}

void MoveBounds::forget_waiting() {
  std::deque<Job> forgotten;
  std::lock_guard lock(mutex_);
  std::swap(forgotten, waiting_);
}

Duration MoveBounds::charge(std::uint64_t bytes, MonotonicTime now) {
  constexpr double longest_seconds = 3600;
  std::lock_guard lock(mutex_);
  if (bytes_per_second_ <= 0 || bytes_per_second_ >= no_rate) return Duration::zero();
  const double seconds = std::min(static_cast<double>(bytes) / bytes_per_second_, longest_seconds);
  paid_until_ =
      std::max(paid_until_, now) + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
  return paid_until_ - now;
}

void MoveBounds::set_rate(double bytes_per_second) {
  {
    std::lock_guard lock(mutex_);
    if (bytes_per_second_ == bytes_per_second) return;
    bytes_per_second_ = bytes_per_second;
    paid_until_ = {};
  }
  stopped_ = bytes_per_second <= 0;
  ++rate_changes_;
}

}  // namespace millrace::log

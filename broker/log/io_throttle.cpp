#include "broker/log/io_throttle.h"

#include <algorithm>

namespace millrace::log {

Duration IoThrottle::charge(std::uint64_t bytes, MonotonicTime now) {
  std::lock_guard lock(mutex_);
  if (!started_) since_ = now;
  started_ = true;
  used_bytes_ += static_cast<double>(bytes);
  const Duration elapsed = now - since_;
  if (elapsed < spell) return Duration::zero();
  constexpr double longest_seconds = 3600;
  const double due_seconds = std::min(used_bytes_ / bytes_per_second_, longest_seconds);
  const auto due = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(due_seconds));
  const Duration wait = std::max(due - elapsed, Duration::zero());
  // The next spell begins when the waiting is over: who charges meanwhile waits for its end too.
  since_ = now + wait;
  used_bytes_ = 0;
  return wait;
}

void IoThrottle::set_rate(double bytes_per_second) {
  std::lock_guard lock(mutex_);
  bytes_per_second_ = bytes_per_second;
}

}  // namespace millrace::log

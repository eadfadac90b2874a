// Bounds the bytes that all cleaners read and write in a second, over spells of 300 ms (Kafka: Throttler). It never sleeps: it
// says how long who has used up the rate is to wait. Any thread.
#pragma once

#include <cstdint>
#include <mutex>

#include "broker/base/clock.h"

namespace millrace::log {

class IoThrottle {
 public:
  // No bound: a rate that no disk has.
  explicit IoThrottle(double bytes_per_second) : bytes_per_second_(bytes_per_second) {}

  // So many bytes were read or written. What the rate leaves unused in a quiet spell is not saved up.
  Duration charge(std::uint64_t bytes, MonotonicTime now);
  void set_rate(double bytes_per_second);

 private:
  static constexpr Duration spell = std::chrono::milliseconds(300);

  std::mutex mutex_;
  double bytes_per_second_;
  double used_bytes_ = 0;
  bool started_ = false;
  MonotonicTime since_;
};

}  // namespace millrace::log

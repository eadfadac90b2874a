// Time comes in through constructors: the system's, or a simulator's.
#pragma once

#include <chrono>

#include "broker/base/types.h"

namespace millrace {

using Duration = std::chrono::nanoseconds;
// Time since an arbitrary start that never goes back.
using MonotonicTime = std::chrono::time_point<std::chrono::steady_clock, Duration>;

class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;

  [[nodiscard]] virtual MonotonicTime now() const = 0;
  [[nodiscard]] virtual TimestampMs wall_clock() const = 0;
};

// Any thread.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] MonotonicTime now() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] TimestampMs wall_clock() const override {
    auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return TimestampMs(std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count());
  }
};

// Stands still until it is told to move. One thread.
class ManualClock final : public Clock {
 public:
  [[nodiscard]] MonotonicTime now() const override { return now_; }
  [[nodiscard]] TimestampMs wall_clock() const override { return wall_clock_; }
  void advance(Duration duration) {
    now_ += duration;
    wall_clock_ = wall_clock_ + std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  }
  void set_wall_clock(TimestampMs time) { wall_clock_ = time; }

 private:
  MonotonicTime now_{};
  TimestampMs wall_clock_{1'700'000'000'000};
};

}  // namespace millrace

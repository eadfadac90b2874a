// Warnings that a stranger can cause, at a bounded rate: some lines in each window, then one that counts what was left out.
// Any thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "broker/base/clock.h"
#include "broker/base/logging.h"

namespace millrace::network {

class LogLimiter {
 public:
  explicit LogLimiter(Logger logger, std::uint32_t lines_per_window = 20, Duration window = std::chrono::seconds(10))
      : logger_(logger), lines_per_window_(lines_per_window), window_(window) {}

  void warning(const std::string& message) {
    std::uint64_t left_out = 0;
    {
      std::scoped_lock lock(mutex_);
      auto now = SystemClock().now();
      if (now - window_start_ >= window_) {
        window_start_ = now;
        lines_ = 0;
        left_out = left_out_;
        left_out_ = 0;
      }
      if (lines_ == lines_per_window_) {
        ++left_out_;
        return;
      }
      ++lines_;
    }
    if (left_out > 0) logger_.warning(std::to_string(left_out) + " lines like the ones above were left out");
    logger_.warning(message);
  }

 private:
  const Logger logger_;
  const std::uint32_t lines_per_window_;
  const Duration window_;
  std::mutex mutex_;
  MonotonicTime window_start_{};
  std::uint32_t lines_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace millrace::network

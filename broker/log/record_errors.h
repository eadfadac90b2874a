// What single records of a batch do wrong, collected for the answer to its producer (Kafka:
// LogValidator.validateRecord). One thread; lives as long as the check of one append.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "broker/base/types.h"
#include "broker/log/append.h"
#include "broker/log/log_config.h"

namespace millrace::log {

// left - right, and left + right, on the ring of 64 bits: times of clients may be anything.
std::int64_t wrapping_difference(std::int64_t left, std::int64_t right);

class RecordErrors {
 public:
  struct Checked {
    std::int32_t index;   // in the batch
    std::int64_t offset;  // as the producer gave it
    bool has_key;
    TimestampMs timestamp;
  };

  // All of them outlive the collection.
  RecordErrors(const LogConfig& config, TimestampMs now, const std::string& log_name)
      : config_(config), now_(now), log_name_(log_name) {}

  // `type` is the producer's batch's.
  void check(const Checked& record, TimestampType type);
  void add(std::int32_t index, std::string message);

  [[nodiscard]] bool empty() const { return count_ == 0; }
  // Once, when it is not empty.
  [[nodiscard]] tl::unexpected<AppendError> error();

 private:
  const LogConfig& config_;
  const TimestampMs now_;
  const std::string& log_name_;
  std::vector<RecordError> errors_;
  std::size_t count_ = 0;
  bool invalid_timestamp_ = false;
};

}  // namespace millrace::log

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

// left - right on the ring of 64 bits: times of clients may be anything.
inline std::int64_t wrapping_difference(std::int64_t left, std::int64_t right) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(left) - static_cast<std::uint64_t>(right));
}

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
  void check(const Checked& record, TimestampType type) {
    if (!lacks_key(record) && (is_timed(record) ? is_in_range(record) : type != TimestampType::log_append_time)) return;
    add_wrong(record);
  }
  void add(std::int32_t index, std::string message);

  [[nodiscard]] bool empty() const { return count_ == 0; }
  // Once, when it is not empty.
  [[nodiscard]] tl::unexpected<AppendError> error();

 private:
  [[nodiscard]] bool lacks_key(const Checked& record) const { return config_.compacted && !record.has_key; }
  [[nodiscard]] bool is_timed(const Checked& record) const {
    return config_.message_timestamp_type == TimestampType::create_time && record.timestamp != TimestampMs::none();
  }
  [[nodiscard]] bool is_in_range(const Checked& record) const {
    const auto age_ms = wrapping_difference(now_.value(), record.timestamp.value());
    return age_ms <= config_.message_timestamp_before_max_ms &&
           wrapping_difference(0, age_ms) <= config_.message_timestamp_after_max_ms;
  }
  void add_wrong(const Checked& record);

  const LogConfig& config_;
  const TimestampMs now_;
  const std::string& log_name_;
  std::vector<RecordError> errors_;
  std::size_t count_ = 0;
  bool invalid_timestamp_ = false;
};

}  // namespace millrace::log

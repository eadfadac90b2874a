#include "broker/log/record_errors.h"

#include <utility>

namespace millrace::log {
namespace {

std::string text(std::int64_t number) { return std::to_string(number); }

}  // namespace

void RecordErrors::add_wrong(const Checked& record) {
  if (lacks_key(record)) {
    add(record.index, "Compacted topic cannot accept message without key in topic partition " + log_name_ + ".");
    return;
  }
  invalid_timestamp_ = true;
  if (is_timed(record)) {
    const auto before_ms = config_.message_timestamp_before_max_ms;
    const auto after_ms = config_.message_timestamp_after_max_ms;
    add(record.index, "Timestamp " + text(record.timestamp.value()) + " of message with offset " + text(record.offset) +
                          " is out of range. The timestamp should be within [" +
                          text(wrapping_difference(now_.value(), before_ms)) + ", " +
                          text(wrapping_difference(now_.value(), wrapping_difference(0, after_ms))) + "]");
  } else {
    add(record.index, "Invalid timestamp type in message " + std::to_string(record.index) +
                          ". Producer should not set timestamp type to LogAppendTime.");
  }
}

void RecordErrors::add(std::int32_t index, std::string message) {
  ++count_;
  if (errors_.size() < AppendError::max_record_errors) errors_.push_back({index, std::move(message)});
}

tl::unexpected<AppendError> RecordErrors::error() {
  if (invalid_timestamp_) {
    return tl::unexpected(AppendError{AppendErrorKind::invalid_timestamp,
                                      "One or more records have been rejected due to invalid timestamp",
                                      std::move(errors_)});
  }
  auto message = "One or more records have been rejected due to " + std::to_string(count_) +
                 " record errors in total; the first: " + errors_.front().message;
  return tl::unexpected(AppendError{AppendErrorKind::invalid_record, std::move(message), std::move(errors_)});
}

}  // namespace millrace::log

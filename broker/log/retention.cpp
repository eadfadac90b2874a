#include "broker/log/retention.h"

#include <numeric>

namespace millrace::log {
namespace {

bool is_older(const LogConfig& config, TimestampMs largest, TimestampMs now) {
  return config.retention_ms >= 0 && now - largest > config.retention_ms;
}

}  // namespace

bool exceeds_retention_bytes(const LogConfig& config, std::uint64_t log_bytes, std::uint64_t first_segment_bytes) {
  if (!config.deleted_by_age_or_size || config.retention_bytes < 0) return false;
  const auto limit = static_cast<std::uint64_t>(config.retention_bytes);
  return log_bytes >= limit && log_bytes - limit >= first_segment_bytes;
}

std::optional<TimestampMs> retention_due(const LogConfig& config, const RetainedSegment& first) {
  if (!config.deleted_by_age_or_size || config.retention_ms < 0) return std::nullopt;
  if (config.retention_ms >= LogConfig::unlimited - first.largest_timestamp.value()) return std::nullopt;
  return first.largest_timestamp + config.retention_ms + 1;
}

std::size_t segments_to_remove(const RetentionInput& input, RemovalReason reason) {
  const auto& config = input.config;
  if (reason != RemovalReason::below_log_start && !config.deleted_by_age_or_size) return 0;
  auto log_bytes =
      std::accumulate(input.segments.begin(), input.segments.end(), std::uint64_t{0},
                      [](std::uint64_t sum, const RetainedSegment& segment) { return sum + segment.size_bytes; });
  std::size_t count = 0;
  for (; count < input.segments.size(); ++count) {
    const auto& segment = input.segments[count];
    const bool last = count + 1 == input.segments.size();
    const auto upper_bound = last ? input.log_end : input.segments[count + 1].base_offset;
    if (input.high_watermark < upper_bound || (last && segment.size_bytes == 0)) break;
    bool goes = false;
    switch (reason) {
      case RemovalReason::below_log_start:
        goes = !last && upper_bound <= input.log_start;
        break;
      case RemovalReason::too_large:
        goes = exceeds_retention_bytes(config, log_bytes, segment.size_bytes);
        break;
      case RemovalReason::too_old:
        goes = is_older(config, segment.largest_timestamp, input.now);
        break;
      case RemovalReason::truncated:
      case RemovalReason::compacted:
        break;
    }
    if (!goes) break;
    log_bytes -= segment.size_bytes;
  }
  return count;
}

}  // namespace millrace::log

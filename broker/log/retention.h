// Which segments at the start of a log have had their time (Kafka: UnifiedLog.deleteOldSegments): below the log's start, more
// than retention.bytes, older than retention.ms, asked in this order. The first segment that is to stay keeps all behind it.
// Nothing at or above the high watermark goes, and an empty last segment never does; a last one that has records may. Logs
// whose cleanup.policy is compact alone only lose what lies below their start. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "broker/base/types.h"
#include "broker/log/log_config.h"
#include "broker/log/segment_removal.h"

namespace millrace::log {

struct RetainedSegment {
  Offset base_offset;
  std::uint64_t size_bytes = 0;
  TimestampMs largest_timestamp;  // LogSegment::largest_timestamp
};

struct RetentionInput {
  std::span<const RetainedSegment> segments;  // at least one, by base offset
  Offset log_start;
  Offset log_end;
  Offset high_watermark;
  TimestampMs now;
  LogConfig config;
};

// How many of the first segments go for this one reason.
std::size_t segments_to_remove(const RetentionInput& input, RemovalReason reason);

// When the first segment may have had its time, should nothing else happen: never (nullopt), or not before the instant, which may
// have passed. What arrives at the log's end can only make it later, except by size; see exceeds_retention_bytes.
std::optional<TimestampMs> retention_due(const LogConfig& config, const RetainedSegment& first);
// Whether the log can do without its first segment.
bool exceeds_retention_bytes(const LogConfig& config, std::uint64_t log_bytes, std::uint64_t first_segment_bytes);

}  // namespace millrace::log

// The configuration of one partition's log: Kafka's topic keys with Kafka's defaults (TopicConfig, LogConfig). Values come from
// the caller, who has checked their bounds; a change takes effect with the next append or roll.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

#include "broker/protocol/record_batch.h"

namespace millrace::log {

using protocol::TimestampType;

struct LogConfig {
  static constexpr std::int64_t unlimited = std::numeric_limits<std::int64_t>::max();

  bool compacted = false;                                    // cleanup.policy has "compact"
  bool deleted_by_age_or_size = true;                        // cleanup.policy has "delete"
  std::optional<protocol::Codec> compression;                // compression.type; nullopt: "producer", as it came
  std::optional<int> compression_level;                      // compression.<codec>.level; nullopt: the codec's default
  std::int64_t delete_retention_ms = 86'400'000;             // delete.retention.ms
  std::int64_t file_delete_delay_ms = 60'000;                // file.delete.delay.ms
  std::int64_t flush_messages = unlimited;                   // flush.messages
  std::int64_t flush_ms = unlimited;                         // flush.ms
  std::int32_t index_interval_bytes = 4096;                  // index.interval.bytes
  std::int64_t max_compaction_lag_ms = unlimited;            // max.compaction.lag.ms
  std::int32_t max_message_bytes = 1'048'588;                // max.message.bytes
  bool message_downconversion = true;                        // message.downconversion.enable
  std::int64_t message_timestamp_after_max_ms = unlimited;   // message.timestamp.after.max.ms
  std::int64_t message_timestamp_before_max_ms = unlimited;  // message.timestamp.before.max.ms
  TimestampType message_timestamp_type = TimestampType::create_time;  // message.timestamp.type
  double min_cleanable_dirty_ratio = 0.5;                             // min.cleanable.dirty.ratio
  std::int64_t min_compaction_lag_ms = 0;                             // min.compaction.lag.ms
  bool preallocate = false;                                           // preallocate
  std::int64_t retention_bytes = -1;                                  // retention.bytes
  std::int64_t retention_ms = 604'800'000;                            // retention.ms
  std::int32_t segment_bytes = 1'073'741'824;                         // segment.bytes
  std::int32_t segment_index_bytes = 10'485'760;                      // segment.index.bytes
  std::int64_t segment_jitter_ms = 0;                                 // segment.jitter.ms
  std::int64_t segment_ms = 604'800'000;                              // segment.ms

  friend bool operator==(const LogConfig&, const LogConfig&) = default;
};

}  // namespace millrace::log

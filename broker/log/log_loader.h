// From a partition's directory to a LoadedLog (Kafka: LogLoader, UnifiedLog.rebuildProducerState). After a clean stop the indexes are
// looked at and nothing is scanned; else the segments from the recovery point on are read and checked batch by batch:
//
//     …segment|segment|segment|segment(active)
//                  ^ recovery point        ^ first bad batch: cut here, drop what follows
//        trusted   |------- checked -------|
//
// Left-over files of interrupted work go: ".deleted", ".cleaned", ".tmp", indexes without a log; a finished compaction (".swap") is
// completed. A bad batch below the recovery point, where the disk had confirmed the data, is not cut off but an error: corrupt.
//
// Blocks. Errors name the file.
#pragma once

#include <memory>
#include <string>

#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/log/loaded_log.h"
#include "broker/log/log_config.h"
#include "broker/log/log_environment.h"

namespace millrace::log {

struct LoadRequest {
  TopicPartition partition;
  std::string directory;  // of the partition
  LogConfig config;
  bool clean = false;  // the last stop was clean
  Offset recovery_point{0};
  Offset log_start{0};
  Offset high_watermark{0};
  bool cleaned = false;  // it was compacted at some time, whatever its policy is now: offsets may be missing anywhere
};

Result<std::unique_ptr<LoadedLog>> load_log(const LoadRequest& request, LogEnvironment& environment);

// Makes the directory of a new log, with its first segment and partition.metadata (unless the id is zero).
Result<std::unique_ptr<LoadedLog>> create_log(const TopicPartition& partition, const TopicId& topic_id,
                                              const std::string& directory, const LogConfig& config,
                                              LogEnvironment& environment);

// segment.jitter.ms: how much earlier than segment.ms a new segment rolls.
std::int64_t roll_jitter_ms(const LogConfig& config, Random& random);

}  // namespace millrace::log

// From a partition's directory to a LoadedLog (Kafka: LogLoader, UnifiedLog.rebuildProducerState). After a clean stop
// the indexes are looked at and nothing is scanned; else the segments from the recovery point on are read and checked
// batch by batch. The phases, in order:
//
//     segment_files      left-overs of interrupted work go, a finished compaction takes its place
//     index_ends         segments below the recovery point are trusted, their indexes looked at
//     log_recovery       those above it are checked, cut at the first bad batch and given new indexes
//     journal_recovery   what flush.messages=1 had promised and the segments lack is written back, and checked, too
//     (here)             where the log starts and ends; a log without segments gets its first one
//     epoch_recovery     the file of leader epochs agrees with the batches
//     producer_recovery  the producers are those at the log's end
//
// A bad batch below the recovery point, where the disk had confirmed the data, is not cut off but an error: corrupt. A
// log with flush.messages=1 has everything synced when it is loaded.
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

class JournalReplay;

struct LoadRequest {
  TopicPartition partition;
  std::string directory;  // of the partition
  LogConfig config;
  bool clean = false;  // the last stop was clean
  Offset recovery_point{0};
  Offset log_start{0};
  Offset high_watermark{0};
  bool cleaned = false;  // it was compacted at some time, whatever its policy is now: offsets may be missing anywhere
  const JournalReplay* journal = nullptr;  // of its log directory, after a stop that was not clean
};

Result<std::unique_ptr<LoadedLog>> load_log(const LoadRequest& request, LogEnvironment& environment);

// Makes the directory of a new log, with its first segment and partition.metadata (unless the id is zero).
Result<std::unique_ptr<LoadedLog>> create_log(const TopicPartition& partition, const TopicId& topic_id,
                                              const std::string& directory, const LogConfig& config,
                                              LogEnvironment& environment);

// segment.jitter.ms: how much earlier than segment.ms a new segment rolls.
std::int64_t roll_jitter_ms(const LogConfig& config, Random& random);

}  // namespace millrace::log

// A partition's log as it comes from its directory, before a shard takes it over: segments that are whole, indexes that fit them,
// leader epochs and producers up to the log's end.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/log/leader_epoch_cache.h"
#include "broker/log/log_config.h"
#include "broker/log/producer_state.h"
#include "broker/log/segment_list.h"

namespace millrace::log {

class LogDamage;  // damage.h

// What was done to a log at load.
struct RecoveryReport {
  bool clean = true;  // the last stop was clean: nothing was scanned without need
  std::uint32_t segments_scanned = 0;
  std::uint64_t truncated_bytes = 0;     // cut off behind the last good batch
  Offset truncated_at = Offset::none();  // the log's end after that; none() when nothing was cut off
  std::string reason;                    // what was wrong there
  std::uint64_t restored_batches = 0;    // that the journal gave back
};

struct LoadedLog {
  LoadedLog(TopicPartition topic_partition, std::string path, const LogConfig& topic_config,
            ProducerState producer_state)
      : partition(std::move(topic_partition)),
        directory(std::move(path)),
        config(topic_config),
        producers(std::move(producer_state)) {}

  TopicPartition partition;
  TopicId topic_id;
  std::string directory;
  LogConfig config;
  SegmentList segments;  // at least one
  LeaderEpochCache epochs;
  bool epochs_changed = false;                                // they may differ from their file
  std::optional<std::vector<EpochStart>> stored_epochs = {};  // what the file has; nullopt: not known
  ProducerState producers;
  Offset producer_snapshot_offset = Offset::none();  // of the newest snapshot file
  Offset log_start{0};
  Offset log_end{0};
  Offset recovery_point{0};
  Offset high_watermark{0};
  std::optional<Offset> cleaned_to{};        // the cleaner's checkpoint; nullopt: never compacted
  std::shared_ptr<LogDamage> damage{};       // never null once it is loaded
  std::uint64_t resident_from_position = 0;  // in the active segment: what recovery has just read is in the page cache
  RecoveryReport report;
};

}  // namespace millrace::log

// The producers of a log as they are at its end: from the newest snapshot that can be read, then from the batches behind it (Kafka:
// ProducerStateManager.truncateAndReload, UnifiedLog.rebuildProducerState). Blocks.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/base/file.h"
#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/log/log_segment.h"
#include "broker/log/producer_state.h"

namespace millrace::log {

struct ReplayRequest {
  std::string directory;
  std::vector<Offset> snapshots;  // that the directory has, in order
  Offset log_start;
  Offset log_end;
  TimestampMs now;
};

// Removes snapshots that belong to no segment or lie behind the log's end or cannot be read. Returns the offset of the newest that stays;
// none() without one.
Result<Offset> replay_producers(FileSystem& files, const ReplayRequest& request,
                                const std::vector<std::unique_ptr<LogSegment>>& segments, ProducerState& producers);

Status write_producer_snapshot(FileSystem& files, const std::string& directory, Offset offset,
                               const std::vector<ProducerEntry>& entries);

}  // namespace millrace::log

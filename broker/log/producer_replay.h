// The producers of a log as they are at an offset: from the newest snapshot that can be read, then from the batches behind it (Kafka:
// ProducerStateManager.truncateAndReload, UnifiedLog.rebuildProducerState). Blocks.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/base/file.h"
#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/log/batch_scanner.h"
#include "broker/log/producer_state.h"
#include "broker/log/segment_list.h"

namespace millrace::log {

struct ReplayRequest {
  std::string directory;
  std::vector<Offset> snapshots;  // that the directory has, in order
  Offset log_start;
  Offset end;  // the log's, or the base offset of a segment: the producers are those of everything below
  TimestampMs now;
};

// Removes the snapshots that belong to no segment or lie behind request.end, the log's, or not behind its start. Those that stay.
Result<std::vector<Offset>> remove_stray_snapshots(FileSystem& files, const ReplayRequest& request,
                                                   const SegmentList& segments);

// Removes snapshots that cannot be read. Returns the offset of the one that was used; none() without one. `segments` by base offset.
Result<Offset> replay_producers(FileSystem& files, const ReplayRequest& request,
                                const std::vector<SegmentView>& segments, ProducerState& producers);

// What a batch says of its producer; nullopt without one. Reads the record of a control batch.
Result<std::optional<ProducerAppend>> read_producer_append(const File& file, const ScannedBatch& batch);

Status write_producer_snapshot(FileSystem& files, const std::string& directory, Offset offset,
                               const std::vector<ProducerEntry>& entries);

}  // namespace millrace::log

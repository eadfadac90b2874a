// How segments leave the disk (Kafka: LocalLog.deleteSegmentFiles, UnifiedLog.deleteProducerSnapshots): their files get the
// suffix ".deleted", oldest first, so that a crash never leaves a hole in the log; after file.delete.delay.ms they are removed.
// Readers that have a view of them read on meanwhile. A start removes whatever has that suffix.
//
// The log's shard takes the segments out of its list first; PartitionLog::State::retire_segments does the rest. Both
// functions block and may be called again after a failure: what is done already is passed over.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/log/log_segment.h"

namespace millrace::log {

class LogEnvironment;

inline constexpr std::string_view deleted_suffix = ".deleted";

enum class RemovalReason : std::uint8_t { below_log_start, too_large, too_old, truncated, compacted };
std::string_view text_of(RemovalReason reason);

struct RetiredSegments {
  std::shared_ptr<LogEnvironment> environment;  // outlives the segments
  std::string directory;
  std::vector<std::unique_ptr<LogSegment>> segments;  // by base offset
  std::vector<Offset> snapshots;                      // of the producers, that go with them
};

// The producers' snapshots at the starts of `segments`, which mostly go with them.
std::vector<Offset> snapshots_of(const std::vector<std::unique_ptr<LogSegment>>& segments);

// Gives the files their suffix and syncs the directory.
Status mark_deleted(const RetiredSegments& retired);
// Removes the files that have it.
Status remove_deleted(const RetiredSegments& retired);

}  // namespace millrace::log

// Records that a log's segments lack and the journal of its directory has, written back at load. The bytes go to the log files alone:
// indexes, producers, epochs and aborted transactions are then built as recovery builds them.
//
// Blocks; nobody else uses the segments. Errors: io and its kin; corrupt when the journal does not fit the log, which it is told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/log/journal_replay.h"
#include "broker/log/leader_epoch_cache.h"
#include "broker/log/log_config.h"
#include "broker/log/segment_list.h"

namespace millrace::log {

struct RestoreRequest {
  const JournalReplay& journal;
  TopicPartition partition;
  TopicId topic_id;
  LeaderEpochCache epochs;  // as their file has them
  LogConfig config;
  // Makes the files of a segment that begins there.
  std::function<Result<std::unique_ptr<LogSegment>>(Offset base_offset)> make_segment;
};

struct Restored {
  std::size_t first_segment = 0;  // the number of the first one that was written to
  std::uint64_t batches = 0;
  std::uint64_t size_bytes = 0;
  Offset end;  // of the log now
};

// Writes what follows `end`, where the last segment ends, behind it and into new segments.
Result<Restored> restore_end(const RestoreRequest& request, SegmentList& segments, Offset end);
// Writes what is missing behind `end`, where segment `number` ends, up to where the next one begins.
Result<Restored> restore_gap(const RestoreRequest& request, SegmentList& segments, std::size_t number, Offset end);

}  // namespace millrace::log

// What of a log compaction is to go through, taken from a log's memory. On the shard that owns the log.
#pragma once

#include <optional>

#include "broker/base/types.h"
#include "broker/log/compaction.h"
#include "broker/log/compaction_candidates.h"
#include "broker/log/loaded_log.h"

namespace millrace::log {

// `last_stable` is at or below the high watermark and every transaction that is not decided.
CompactionCandidate compaction_candidate(const LoadedLog& log, Offset last_stable, std::optional<Offset> cleaned_to,
                                         TimestampMs now);
CompactionInput compaction_input(const LoadedLog& log, const CompactionCandidate& candidate, TimestampMs now);

}  // namespace millrace::log

// A compacted segment takes the place of those that it was made of (Kafka: LocalLog.replaceSegments). Whatever moment a crash
// comes at, the next load finds all of the old or all of the new:
//
//     1. "….cleaned" -> "….swap", the log file first; a load with any ".cleaned" left drops both     sync
//     2. the old ones -> "….deleted"; a load with a ".swap" removes what it covers                   sync
//     3. "….swap" -> "…"; a load renames what is left                                                sync
//
// Blocks.
#pragma once

#include <memory>
#include <vector>

#include "broker/base/result.h"
#include "broker/log/log_segment.h"
#include "broker/log/segment_removal.h"

namespace millrace::log {

// May be called again after a failure.
Status swap_in(LogSegment& cleaned, const RetiredSegments& old);

// The producers' snapshots at the starts of the old ones, but for the first: there the new one starts.
std::vector<Offset> snapshots_of_replaced(const std::vector<std::unique_ptr<LogSegment>>& old);

}  // namespace millrace::log

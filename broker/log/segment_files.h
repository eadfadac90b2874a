// The files of a partition's directory, put in order before its log is loaded: left-overs removed, an interrupted compaction
// completed (Kafka: LogLoader.removeTempFilesAndCollectSwapFiles). Blocks.
#pragma once

#include <string>
#include <vector>

#include "broker/base/file.h"
#include "broker/base/result.h"
#include "broker/base/types.h"

namespace millrace::log {

struct SegmentFiles {
  std::vector<Offset> segments;   // base offsets of the log files, in order
  std::vector<Offset> snapshots;  // offsets of the producer snapshots, in order
};

Result<SegmentFiles> tidy_segment_files(FileSystem& files, const std::string& directory);

}  // namespace millrace::log

// Reads a whole segment, checks every batch, builds its indexes anew: after an unclean stop for the segments above the
// recovery point, and for any segment whose indexes are missing or damaged (Kafka: LogSegment.recover). What is checked
// of a batch is said in segment_check.h.
//
// Blocks; nobody else uses the segment.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/result.h"
#include "broker/log/batch_scanner.h"
#include "broker/log/log_segment.h"

namespace millrace::log {

struct SegmentScan {
  std::uint64_t valid_bytes = 0;  // up to the first bad batch
  std::uint64_t file_bytes = 0;
  Offset next_offset;  // after the last good batch; the base offset without one
  // Where a good batch is that lies ahead of its neighbours: the one behind it goes on where the one before it ends.
  std::optional<std::uint64_t> misplaced;
  std::string why;                  // what is wrong with the first bad batch; empty when there is none
  std::vector<std::string> doubts;  // positions of good batches whose leader epochs do not fit, and why; the first few

  [[nodiscard]] bool whole() const { return valid_bytes == file_bytes; }
};

// Sees each good batch of a segment, in order, and the log file that it is in. An error ends the recovery.
using BatchVisitor = std::function<Status(const File& file, const ScannedBatch& batch)>;

// Builds the indexes of the good batches and sets the segment's size to where they end. The log file is not cut. The transaction
// index is emptied: what belongs into it, `visit` finds out. `least_epoch`: of the batch before the segment, as far as it is known.
// `misplaced`: what the scan before said; the batch there is bad. Errors: io and its kin, those of `visit`.
Result<SegmentScan> recover_segment(LogSegment& segment, std::int32_t index_interval_bytes, LeaderEpoch least_epoch,
                                    const BatchVisitor& visit, std::optional<std::uint64_t> misplaced = {});

}  // namespace millrace::log

// Where a segment ends when a log is truncated to an offset (Kafka: LogSegment.truncateTo): in front of the first
// batch that reaches the offset, so that a batch that straddles it goes as a whole.
//
//     |batch|batch|batch|batch|         |batch|batch|
//                    ^ offset      =>               ^ end
//
// What the indexes keep are the entries that a rebuild of the shorter segment would make. Blocks; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/log/segment_view.h"

namespace millrace::log {

struct SegmentCut {
  Offset base_offset;
  Offset end;  // behind the last batch that stays; the base offset without one
  std::uint64_t size_bytes = 0;
  std::size_t offset_entries = 0;
  std::size_t time_entries = 0;
  // The largest timestamp of what stays and the last offset of its batch; none() without one.
  TimestampMs max_timestamp = TimestampMs::none();
  Offset max_timestamp_offset = Offset::none();
  std::optional<TimestampMs> first_timestamp;  // the largest of the first batch
};

// Reads only. corrupt names the file and the position.
Result<SegmentCut> find_cut(const SegmentView& segment, Offset offset);

}  // namespace millrace::log

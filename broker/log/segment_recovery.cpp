#include "broker/log/segment_recovery.h"

#include <algorithm>
#include <vector>

#include "broker/log/segment_check.h"

namespace millrace::log {
namespace {

constexpr std::size_t chunk_bytes = 1 << 20;

// The good batch at `scan.valid_bytes`, or nullopt with scan.why.
Result<std::optional<ScannedBatch>> check_next(FileChunks& chunks, const LogSegment& segment, const BatchOrder& order,
                                               SegmentScan& scan) {
  auto batch = check_batch(chunks, scan.valid_bytes, scan.file_bytes);
  auto sound = batch.and_then([&](const ScannedBatch& found) -> Status {
    if (auto placed = order.check_offsets(found.base_offset, found.last_offset); !placed) return placed;
    // The index cannot hold it.
    if (segment.can_hold_offset(found.last_offset)) return {};
    return fail(ErrorKind::corrupt, "the batch has offset " + std::to_string(found.base_offset.value()) +
                                        ", too far from the segment's first");
  });
  if (sound) return std::optional(*batch);
  if (!is_damage(sound.error())) return tl::unexpected(sound.error());
  if (batch && order.fits_before_last(batch->base_offset)) scan.misplaced = order.last_position();
  scan.why = sound.error().message;
  return std::nullopt;
}

// No checksum covers it, and the records are sound: nothing is cut off.
void note_epoch(BatchOrder& order, const ScannedBatch& batch, SegmentScan& scan) {
  if (auto fits = order.check_epoch(batch.leader_epoch, batch.base_offset, batch.last_offset); !fits) {
    constexpr std::size_t most_doubts = 16;
    if (scan.doubts.size() < most_doubts)
      scan.doubts.push_back("position " + std::to_string(batch.position) + ": " + fits.error().message);
  }
  order.passed(batch.leader_epoch, batch.base_offset, batch.last_offset, batch.position);
}

}  // namespace

Result<SegmentScan> recover_segment(LogSegment& segment, std::int32_t index_interval_bytes, LeaderEpoch least_epoch,
                                    const BatchVisitor& visit, std::optional<std::uint64_t> misplaced) {
  auto file = segment.log_file()->open();
  if (!file) return tl::unexpected(file.error());
  auto size = (*file)->size_bytes();
  if (!size) return tl::unexpected(size.error());
  auto emptied = segment.offset_index().create().and_then([&] { return segment.time_index().create(); }).and_then([&] {
    return segment.transaction_index().reset();
  });
  if (!emptied) return tl::unexpected(emptied.error());
  SegmentScan scan;
  scan.file_bytes = *size;
  scan.next_offset = segment.base_offset();
  FileChunks chunks(**file, chunk_bytes);
  BatchOrder order(segment.base_offset());
  order.set_least_epoch(least_epoch);
  MaxTimestamp max_timestamp;
  std::optional<TimestampMs> first_timestamp;
  std::uint64_t last_indexed = 0;
  while (scan.valid_bytes < scan.file_bytes) {
    if (misplaced == scan.valid_bytes) {
      scan.why = "the batch has an offset beyond that of the batch behind it, which goes on from " +
                 std::to_string(scan.next_offset.value());
      break;
    }
    auto batch = check_next(chunks, segment, order, scan);
    if (!batch) return tl::unexpected(batch.error());
    if (!*batch) break;
    note_epoch(order, **batch, scan);
    if (!first_timestamp) first_timestamp = (*batch)->max_timestamp;
    if ((*batch)->max_timestamp > max_timestamp.timestamp)
      max_timestamp = {(*batch)->max_timestamp, (*batch)->last_offset};
    if (scan.valid_bytes - last_indexed > static_cast<std::uint64_t>(index_interval_bytes)) {
      segment.offset_index().append((*batch)->last_offset, static_cast<std::uint32_t>(scan.valid_bytes));
      segment.time_index().maybe_append(max_timestamp.timestamp, max_timestamp.offset);
      last_indexed = scan.valid_bytes;
    }
    scan.valid_bytes += (*batch)->size_bytes;
    scan.next_offset = (*batch)->last_offset + 1;
    if (!visit) continue;
    if (auto seen = visit(**file, **batch); !seen) return tl::unexpected(seen.error());
  }
  segment.set_recovered(scan.valid_bytes, max_timestamp, first_timestamp);
  if (auto sealed = segment.seal(); !sealed) return tl::unexpected(sealed.error());
  return scan;
}

}  // namespace millrace::log

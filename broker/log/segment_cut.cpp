#include "broker/log/segment_cut.h"

#include <algorithm>

#include "broker/log/batch_scanner.h"

namespace millrace::log {
namespace {

constexpr std::size_t read_ahead_bytes = 64 * 1024;

// The index entries that stay, and the position of the batch from which on all that stays must be looked at: behind
// it there may be a batch without an index entry that has the largest timestamp. nullopt: the entries are wrong.
Result<std::optional<std::uint64_t>> cut_indexes(const SegmentView& segment, const File& file, Offset offset,
                                                 SegmentCut& cut) {
  auto offset_entries = segment.offset_index.entries_below(offset);
  if (!offset_entries) return tl::unexpected(offset_entries.error());
  cut.offset_entries = *offset_entries;
  if (cut.offset_entries == 0) return std::optional<std::uint64_t>(0);
  auto last = segment.offset_index.entry(cut.offset_entries - 1);
  if (!last) return tl::unexpected(last.error());
  auto last_position = segment.trusted_position(file, *last);
  if (!last_position || !*last_position) return last_position;
  // Later ones came with index entries that go, or when the segment was closed.
  auto time_entries = segment.time_index.entries_below(last->offset + 1);
  if (!time_entries) return tl::unexpected(time_entries.error());
  cut.time_entries = *time_entries;
  if (cut.time_entries == 0) return std::optional<std::uint64_t>(0);
  auto largest = segment.time_index.entry(cut.time_entries - 1);
  if (!largest) return tl::unexpected(largest.error());
  cut.max_timestamp = largest->timestamp;
  cut.max_timestamp_offset = largest->offset;
  auto from = segment.trusted_position(file, *largest);
  if (!from || !*from) return from;
  return std::min(*from, *last_position);
}

}  // namespace

Result<SegmentCut> find_cut(const SegmentView& segment, Offset offset) {
  SegmentCut cut;
  cut.base_offset = cut.end = segment.base_offset;
  if (offset <= segment.base_offset) return cut;
  auto file = segment.log_file->open();
  if (!file) return tl::unexpected(file.error());
  auto from = cut_indexes(segment, **file, offset, cut);
  if (!from) return tl::unexpected(from.error());
  if (!*from) {
    // All of it is looked at, and the indexes stay behind empty.
    cut = {};
    cut.base_offset = cut.end = segment.base_offset;
  }
  BatchScanner scanner(**file, from->value_or(0), segment.size_bytes, read_ahead_bytes);
  cut.size_bytes = from->value_or(0);
  auto more = scanner.next();
  for (; more && *more && scanner.batch().last_offset < offset; more = scanner.next()) {
    const auto& batch = scanner.batch();
    cut.end = batch.last_offset + 1;
    cut.size_bytes = batch.end_position();
    if (batch.max_timestamp > cut.max_timestamp) {
      cut.max_timestamp = batch.max_timestamp;
      cut.max_timestamp_offset = batch.last_offset;
    }
  }
  if (!more) return tl::unexpected(more.error());
  if (!*more && scanner.next_position() != segment.size_bytes) {
    return fail(ErrorKind::corrupt, segment.log_file->path() + ": the batch at position " +
                                        std::to_string(scanner.next_position()) + " is longer than the rest of the " +
                                        std::to_string(segment.size_bytes) + " bytes");
  }
  // The last entry may be within a batch that goes.
  if (cut.offset_entries > 0) {
    auto last = segment.offset_index.entry(cut.offset_entries - 1);
    if (!last) return tl::unexpected(last.error());
    if (last->position >= cut.size_bytes) --cut.offset_entries;
  }
  if (cut.size_bytes == 0) return cut;
  BatchScanner first(**file, 0, segment.size_bytes, protocol::batch_header_bytes);
  if (auto found = first.next(); !found) return tl::unexpected(found.error());
  cut.first_timestamp = first.batch().max_timestamp;
  return cut;
}

}  // namespace millrace::log

#include "broker/log/segment_recovery.h"

#include <algorithm>
#include <vector>

#include "broker/base/crc32c.h"
#include "broker/protocol/legacy_message.h"

namespace millrace::log {
namespace {

constexpr std::size_t chunk_bytes = 1 << 20;
constexpr std::size_t crc_covers_from = 21;  // the attributes

// Reads a file in large chunks; a batch that is longer than a chunk is checked piece by piece.
class ChunkReader {
 public:
  explicit ChunkReader(const File& file) : file_(file), buffer_(chunk_bytes) {}

  // Between 1 and `count` bytes at `position`; none at the end of the file.
  Result<BytesView> at(std::uint64_t position, std::uint64_t count) {
    const bool holds_all = position >= begin_ && position + count <= begin_ + size_;
    const bool starts_there = position == begin_ && size_ > 0;
    if (!holds_all && !starts_there) {
      auto got = file_.read_at(position, buffer_);
      if (!got) return tl::unexpected(got.error());
      begin_ = position;
      size_ = *got;
    }
    auto from = static_cast<std::size_t>(position - begin_);
    return BytesView(buffer_).subspan(from, static_cast<std::size_t>(std::min<std::uint64_t>(count, size_ - from)));
  }

  // `extend` takes a piece and the sum so far.
  template <class Extend>
  Result<std::uint32_t> sum_of(std::uint64_t position, std::uint64_t count, Extend extend) {
    std::uint32_t sum = 0;
    while (count > 0) {
      auto piece = at(position, count);
      if (!piece) return tl::unexpected(piece.error());
      if (piece->empty()) break;
      sum = extend(*piece, sum);
      position += piece->size();
      count -= piece->size();
    }
    return sum;
  }

 private:
  const File& file_;
  std::vector<std::uint8_t> buffer_;
  std::uint64_t begin_ = 0;
  std::uint64_t size_ = 0;
};

using Checked = Result<std::optional<ScannedBatch>>;

Checked bad(SegmentScan& scan, std::string why) {
  scan.why = std::move(why);
  return std::nullopt;
}

Checked bad_crc(SegmentScan& scan, Offset offset, std::uint32_t stored, std::uint32_t found) {
  return bad(scan, "the batch at offset " + std::to_string(offset.value()) + " has CRC " + std::to_string(stored) +
                       " but its bytes have " + std::to_string(found));
}

Checked cut_off(SegmentScan& scan, Offset offset, std::uint64_t size_bytes, std::uint64_t left) {
  return bad(scan, "the batch of " + std::to_string(size_bytes) + " bytes at offset " + std::to_string(offset.value()) +
                       " has only " + std::to_string(left) + " in the file");
}

// Its last offset is at least the next one, and the index can hold it.
Checked checked_offsets(const LogSegment& segment, SegmentScan& scan, const ScannedBatch& batch, Offset first) {
  if (first >= scan.next_offset && batch.last_offset >= first && segment.can_hold_offset(batch.last_offset))
    return batch;
  return bad(scan, "the batch has offset " + std::to_string(batch.base_offset.value()) + " where one from " +
                       std::to_string(scan.next_offset.value()) + " on belongs");
}

// A message of magic 0 or 1. What is inside a compressed one is covered by its checksum, and its offset is that of
// the last one.
Checked check_message(ChunkReader& reader, const LogSegment& segment, SegmentScan& scan,
                      const protocol::BatchPrefix& prefix) {
  const auto position = scan.valid_bytes;
  const auto left = scan.file_bytes - position;
  if (prefix.size_bytes() > left) return cut_off(scan, prefix.base_offset, prefix.size_bytes(), left);
  auto start = reader.at(position, protocol::legacy_timestamp_position + 8);
  if (!start) return tl::unexpected(start.error());
  const auto stored = load_big_endian<std::uint32_t>(start->data() + protocol::legacy_crc_position);
  TimestampMs timestamp = TimestampMs::none();
  if (prefix.magic > 0)
    timestamp = TimestampMs(load_big_endian<std::int64_t>(start->data() + protocol::legacy_timestamp_position));
  auto crc =
      reader.sum_of(position + protocol::batch_magic_position, prefix.size_bytes() - protocol::batch_magic_position,
                    [](BytesView piece, std::uint32_t sum) { return protocol::extend_legacy_crc(sum, piece); });
  if (!crc) return tl::unexpected(crc.error());
  if (*crc != stored) return bad_crc(scan, prefix.base_offset, stored, *crc);
  ScannedBatch message{prefix.base_offset, prefix.base_offset,  position,    prefix.size_bytes(),
                       timestamp,          LeaderEpoch::none(), std::nullopt};
  return checked_offsets(segment, scan, message, prefix.base_offset);
}

// The good batch at `scan.valid_bytes`, or nullopt with scan.why.
Checked check_next(ChunkReader& reader, const LogSegment& segment, SegmentScan& scan) {
  const auto position = scan.valid_bytes;
  const auto left = scan.file_bytes - position;
  auto bytes = reader.at(position, std::min<std::uint64_t>(left, protocol::batch_header_bytes));
  if (!bytes) return tl::unexpected(bytes.error());
  auto prefix = protocol::parse_batch_prefix(*bytes);
  if (!prefix) return bad(scan, prefix.error().message);
  if (prefix->magic != protocol::current_magic) return check_message(reader, segment, scan, *prefix);
  auto header = protocol::parse_batch_header(*bytes);
  if (!header) return bad(scan, header.error().message);
  if (header->size_bytes() > left) return cut_off(scan, header->base_offset, header->size_bytes(), left);
  auto crc = reader.sum_of(position + crc_covers_from, header->size_bytes() - crc_covers_from,
                           [](BytesView piece, std::uint32_t sum) { return crc32c(piece, sum); });
  if (!crc) return tl::unexpected(crc.error());
  if (*crc != header->crc) return bad_crc(scan, header->base_offset, header->crc, *crc);
  return checked_offsets(segment, scan,
                         {header->base_offset, header->last_offset(), position, header->size_bytes(),
                          header->max_timestamp, header->partition_leader_epoch, *header},
                         header->base_offset);
}

}  // namespace

Result<SegmentScan> recover_segment(LogSegment& segment, std::int32_t index_interval_bytes, const BatchVisitor& visit) {
  auto file = segment.log_file()->open();
  if (!file) return tl::unexpected(file.error());
  auto size = (*file)->size_bytes();
  if (!size) return tl::unexpected(size.error());
  auto emptied = segment.offset_index().create().and_then([&] { return segment.time_index().create(); }).and_then([&] {
    return segment.transaction_index().reset();
  });
  if (!emptied) return tl::unexpected(emptied.error());
  SegmentScan scan{0, *size, segment.base_offset(), {}};
  ChunkReader reader(**file);
  MaxTimestamp max_timestamp;
  std::optional<TimestampMs> first_timestamp;
  std::uint64_t last_indexed = 0;
  while (scan.valid_bytes < scan.file_bytes) {
    auto batch = check_next(reader, segment, scan);
    if (!batch) return tl::unexpected(batch.error());
    if (!*batch) break;
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

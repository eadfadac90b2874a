#include "broker/log/segment_recovery.h"

#include <algorithm>
#include <vector>

#include "broker/base/crc32c.h"

namespace millrace::log {
namespace {

constexpr std::size_t chunk_bytes = 1 << 20;
constexpr std::size_t crc_covers_from = 21;   // the attributes
constexpr std::size_t old_crc_position = 12;  // of messages of magic 0 and 1; it covers what follows it

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

// The CRC-32 of messages of magic 0 and 1 (zlib's polynomial). Slow; for what should not be there.
std::uint32_t crc32_of_old_message(BytesView bytes, std::uint32_t sum) {
  static constexpr std::uint32_t polynomial = 0xedb88320;
  sum = ~sum;
  for (auto byte : bytes) {
    sum ^= byte;
    for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ ((sum & 1) != 0 ? polynomial : 0);
  }
  return ~sum;
}

// Whether there is a message of magic 0 or 1, whole. The zeros that a torn write leaves behind a batch's length look
// like one.
Result<bool> is_old_message(ChunkReader& reader, std::uint64_t position, const protocol::BatchPrefix& prefix) {
  auto stored = reader.at(position + old_crc_position, 4);
  if (!stored) return tl::unexpected(stored.error());
  if (stored->size() < 4) return false;
  const auto expected = load_big_endian<std::uint32_t>(stored->data());
  auto sum = reader.sum_of(position + protocol::batch_magic_position,
                           prefix.size_bytes() - protocol::batch_magic_position, crc32_of_old_message);
  return sum.map([&](std::uint32_t found) { return found == expected; });
}

// The good batch at `scan.valid_bytes`, or nullopt with scan.why.
Result<std::optional<ScannedBatch>> check_next(ChunkReader& reader, const LogSegment& segment, SegmentScan& scan) {
  const auto position = scan.valid_bytes;
  const auto left = scan.file_bytes - position;
  auto bad = [&](std::string why) -> Result<std::optional<ScannedBatch>> {
    scan.why = std::move(why);
    return std::nullopt;
  };
  auto bytes = reader.at(position, std::min<std::uint64_t>(left, protocol::batch_header_bytes));
  if (!bytes) return tl::unexpected(bytes.error());
  auto prefix = protocol::parse_batch_prefix(*bytes);
  if (!prefix) return bad(prefix.error().message);
  if (prefix->magic != protocol::current_magic) {
    auto old = prefix->size_bytes() <= left ? is_old_message(reader, position, *prefix) : Result<bool>(false);
    if (!old) return tl::unexpected(old.error());
    if (!*old) return bad("there is no batch of magic 2");
    return fail(ErrorKind::unsupported,
                segment.log_file()->path() + " position " + std::to_string(position) +
                    " has a message of the old format (magic " + std::to_string(prefix->magic) +
                    "), which cannot be recovered here; let the broker that wrote it shut down cleanly first");
  }
  auto header = protocol::parse_batch_header(*bytes);
  if (!header) return bad(header.error().message);
  if (header->size_bytes() > left) {
    return bad("the batch of " + std::to_string(header->size_bytes()) + " bytes at offset " +
               std::to_string(header->base_offset.value()) + " has only " + std::to_string(left) + " in the file");
  }
  auto crc = reader.sum_of(position + crc_covers_from, header->size_bytes() - crc_covers_from,
                           [](BytesView piece, std::uint32_t sum) { return crc32c(piece, sum); });
  if (!crc) return tl::unexpected(crc.error());
  if (*crc != header->crc) {
    return bad("the batch at offset " + std::to_string(header->base_offset.value()) + " has CRC " +
               std::to_string(header->crc) + " but its bytes have " + std::to_string(*crc));
  }
  if (header->base_offset < scan.next_offset || header->last_offset() < header->base_offset ||
      !segment.can_hold_offset(header->last_offset())) {
    return bad("the batch has offset " + std::to_string(header->base_offset.value()) + " where one from " +
               std::to_string(scan.next_offset.value()) + " on belongs");
  }
  return ScannedBatch{header->base_offset,   header->last_offset(),          position, header->size_bytes(),
                      header->max_timestamp, header->partition_leader_epoch, *header};
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

#include "broker/log/segment_check.h"

#include <algorithm>

#include "broker/base/crc32c.h"
#include "broker/protocol/legacy_message.h"

namespace millrace::log {
namespace {

constexpr std::size_t crc_covers_from = 21;  // the attributes

class BytesInMemory final : public BatchBytes {
 public:
  explicit BytesInMemory(BytesView bytes) : bytes_(bytes) {}
  Result<BytesView> at(std::uint64_t position, std::uint64_t count) override {
    const auto from = static_cast<std::size_t>(std::min<std::uint64_t>(position, bytes_.size()));
    return bytes_.subspan(from, static_cast<std::size_t>(std::min<std::uint64_t>(count, bytes_.size() - from)));
  }

 private:
  const BytesView bytes_;
};

std::string text(Offset offset) { return std::to_string(offset.value()); }
std::string text(LeaderEpoch epoch) { return std::to_string(epoch.value()); }

// `extend` takes a piece and the sum so far.
template <class Extend>
Result<std::uint32_t> sum_of(BatchBytes& bytes, std::uint64_t position, std::uint64_t count, Extend extend) {
  std::uint32_t sum = 0;
  while (count > 0) {
    auto piece = bytes.at(position, count);
    if (!piece) return tl::unexpected(piece.error());
    if (piece->empty()) break;
    sum = extend(*piece, sum);
    position += piece->size();
    count -= piece->size();
  }
  return sum;
}

tl::unexpected<Error> wrong_sum(Offset offset, std::uint32_t stored, std::uint32_t found) {
  return fail(ErrorKind::corrupt, "the batch at offset " + text(offset) + " has CRC " + std::to_string(stored) +
                                      " but its bytes have " + std::to_string(found));
}

tl::unexpected<Error> cut_off(Offset offset, std::uint64_t size_bytes, std::uint64_t left) {
  return fail(ErrorKind::truncated, "the batch of " + std::to_string(size_bytes) + " bytes at offset " + text(offset) +
                                        " has only " + std::to_string(left) + " in the file");
}

// A message of magic 0 or 1. What is inside a compressed one is covered by its checksum, and its offset is that of the last one.
Result<ScannedBatch> check_message(BatchBytes& bytes, const protocol::BatchPrefix& prefix, std::uint64_t position) {
  auto start = bytes.at(position, protocol::legacy_timestamp_position + 8);
  if (!start) return tl::unexpected(start.error());
  if (start->size() < protocol::legacy_timestamp_position + 8)
    return cut_off(prefix.base_offset, prefix.size_bytes(), start->size());
  const auto stored = load_big_endian<std::uint32_t>(start->data() + protocol::legacy_crc_position);
  TimestampMs timestamp = TimestampMs::none();
  if (prefix.magic > 0)
    timestamp = TimestampMs(load_big_endian<std::int64_t>(start->data() + protocol::legacy_timestamp_position));
  auto crc =
      sum_of(bytes, position + protocol::batch_magic_position, prefix.size_bytes() - protocol::batch_magic_position,
             [](BytesView piece, std::uint32_t sum) { return protocol::extend_legacy_crc(sum, piece); });
  if (!crc) return tl::unexpected(crc.error());
  if (*crc != stored) return wrong_sum(prefix.base_offset, stored, *crc);
  return ScannedBatch{prefix.base_offset, prefix.base_offset,  position,    prefix.size_bytes(),
                      timestamp,          LeaderEpoch::none(), std::nullopt};
}

}  // namespace

Result<BytesView> FileChunks::at(std::uint64_t position, std::uint64_t count) {
  const bool holds_all = position >= begin_ && position + count <= begin_ + size_;
  const bool starts_there = position == begin_ && size_ > 0;
  if (!holds_all && !starts_there) {
    auto got = through_ == Through::disk ? file_.read_at_uncached(position, buffer_) : file_.read_at(position, buffer_);
    if (!got) return tl::unexpected(got.error());
    begin_ = position;
    size_ = *got;
    read_bytes_ += *got;
  }
  const auto from = static_cast<std::size_t>(position - begin_);
  return BytesView(buffer_).subspan(from, static_cast<std::size_t>(std::min<std::uint64_t>(count, size_ - from)));
}

Result<ScannedBatch> check_batch(BatchBytes& bytes, std::uint64_t position, std::uint64_t end) {
  const auto left = end - position;
  auto start = bytes.at(position, std::min<std::uint64_t>(left, protocol::batch_header_bytes));
  if (!start) return tl::unexpected(start.error());
  auto prefix = protocol::parse_batch_prefix(*start);
  if (!prefix) return tl::unexpected(prefix.error());
  if (prefix->size_bytes() > left) return cut_off(prefix->base_offset, prefix->size_bytes(), left);
  if (prefix->magic != protocol::current_magic) return check_message(bytes, *prefix, position);
  auto header = protocol::parse_batch_header(*start);
  if (!header) return tl::unexpected(header.error());
  auto crc = sum_of(bytes, position + crc_covers_from, header->size_bytes() - crc_covers_from,
                    [](BytesView piece, std::uint32_t sum) { return crc32c(piece, sum); });
  if (!crc) return tl::unexpected(crc.error());
  if (*crc != header->crc) return wrong_sum(header->base_offset, header->crc, *crc);
  return ScannedBatch{header->base_offset,   header->last_offset(),          position, header->size_bytes(),
                      header->max_timestamp, header->partition_leader_epoch, *header};
}

Result<AnyBatch> check_any_batch(BytesView bytes) {
  BytesInMemory source(bytes);
  return check_batch(source, 0, bytes.size()).map([&](const ScannedBatch& batch) {
    const auto magic = static_cast<std::int8_t>(bytes[protocol::batch_magic_position]);
    return AnyBatch{bytes.first(static_cast<std::size_t>(batch.size_bytes)),
                    magic,
                    batch.base_offset,
                    batch.last_offset,
                    batch.max_timestamp,
                    batch.leader_epoch};
  });
}

Status BatchOrder::check_offsets(Offset base_offset, Offset last_offset) const {
  if (base_offset >= next_ && last_offset >= base_offset && last_offset < bound_) return {};
  const bool unbounded = bound_ == Offset(std::numeric_limits<std::int64_t>::max());
  return fail(ErrorKind::corrupt, "the batch has the offsets " + text(base_offset) + " to " + text(last_offset) +
                                      " where those from " + text(next_) + " on" +
                                      (unbounded ? std::string() : " and below " + text(bound_)) + " belong");
}

Status BatchOrder::check_epoch(LeaderEpoch epoch, Offset base_offset, Offset last_offset) const {
  if (epoch == LeaderEpoch::none()) return {};
  const auto wrong = [&](const std::string& why) {
    return fail(ErrorKind::corrupt,
                "the batch at offset " + text(base_offset) + " has leader epoch " + text(epoch) + ", but " + why);
  };
  if (epoch < epoch_) return wrong("the one before it has " + text(epoch_));
  if (epoch < LeaderEpoch::none()) return wrong("epochs are not negative");
  if (epochs_.empty()) return {};
  const auto above = std::ranges::upper_bound(epochs_, base_offset, {}, &EpochStart::start_offset);
  if (above == epochs_.begin()) {
    if (epoch <= above->epoch) return {};
    return wrong("epoch " + text(above->epoch) + " begins later, at offset " + text(above->start_offset));
  }
  const auto& assigned = *std::prev(above);
  if (epoch != assigned.epoch)
    return wrong("epoch " + text(assigned.epoch) + " begins at offset " + text(assigned.start_offset));
  if (above != epochs_.end() && last_offset >= above->start_offset) {
    return wrong("its last offset is " + text(last_offset) + " and epoch " + text(above->epoch) + " begins at " +
                 text(above->start_offset));
  }
  return {};
}

void BatchOrder::forget_last() {
  next_ = next_before_last_;
  last_left_gap_ = false;
}

void BatchOrder::passed(LeaderEpoch epoch, Offset base_offset, Offset last_offset, std::uint64_t position) {
  epoch_ = std::max(epoch_, epoch);
  next_before_last_ = next_;
  last_left_gap_ = base_offset > next_;
  last_position_ = position;
  next_ = last_offset + 1;
}

}  // namespace millrace::log

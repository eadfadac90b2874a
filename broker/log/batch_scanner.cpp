#include "broker/log/batch_scanner.h"

#include <algorithm>

#include "broker/base/bytes.h"
#include "broker/protocol/legacy_message.h"

namespace millrace::log {

Result<BytesView> BatchScanner::bytes_at(std::uint64_t position, std::size_t count) {
  if (position < buffer_position_ || position + count > buffer_position_ + buffer_.size()) {
    buffer_.resize(std::max(count, read_ahead_bytes_));
    auto got = read_for(only_, file_, position, buffer_, count);
    if (!got) return tl::unexpected(got.error());
    buffer_.resize(*got);
    buffer_position_ = position;
  }
  auto from = static_cast<std::size_t>(position - buffer_position_);
  return BytesView(buffer_).subspan(from, std::min(count, buffer_.size() - from));
}

Result<bool> BatchScanner::next() {
  if (next_position_ + protocol::batch_prefix_bytes > end_) return false;
  auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(protocol::batch_header_bytes, end_ - next_position_));
  auto bytes = bytes_at(next_position_, wanted);
  if (!bytes) return tl::unexpected(bytes.error());
  if (bytes->size() < wanted) return false;
  auto prefix = protocol::parse_batch_prefix(*bytes);
  if (!prefix)
    return fail(ErrorKind::corrupt,
                file_.path() + " position " + std::to_string(next_position_) + ": " + prefix.error().message);
  if (prefix->size_bytes() > end_ - next_position_) return false;
  batch_ = {prefix->base_offset, prefix->base_offset, next_position_, prefix->size_bytes(), {},
            LeaderEpoch::none(), std::nullopt};
  batch_.max_timestamp = TimestampMs::none();
  if (prefix->magic == protocol::current_magic) {
    auto header = protocol::parse_batch_header(*bytes);
    if (!header)
      return fail(ErrorKind::corrupt,
                  file_.path() + " position " + std::to_string(next_position_) + ": " + header.error().message);
    batch_.last_offset = header->last_offset();
    batch_.max_timestamp = header->max_timestamp;
    batch_.leader_epoch = header->partition_leader_epoch;
    batch_.header = *header;
  } else if (prefix->magic > 0) {
    batch_.max_timestamp =
        TimestampMs(load_big_endian<std::int64_t>(bytes->data() + protocol::legacy_timestamp_position));
  }
  next_position_ += batch_.size_bytes;
  return true;
}

}  // namespace millrace::log

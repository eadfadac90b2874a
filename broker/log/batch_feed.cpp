#include "broker/log/batch_feed.h"

#include <algorithm>
#include <string>

#include "broker/protocol/record_batch.h"

namespace millrace::log {

// `count` bytes at the position, or what the file has of them.
Result<BytesView> BatchFeed::bytes_at(std::size_t count) {
  if (position_ < buffer_position_ || position_ + count > buffer_position_ + buffer_.size()) {
    buffer_.resize(
        static_cast<std::size_t>(std::min<std::uint64_t>(std::max(count, read_bytes_), end_position_ - position_)));
    auto got = file_->read_at(position_, buffer_);
    if (!got) return tl::unexpected(got.error());
    buffer_.resize(*got);
    buffer_position_ = position_;
  }
  const auto from = static_cast<std::size_t>(position_ - buffer_position_);
  return BytesView(buffer_).subspan(from, std::min(count, buffer_.size() - from));
}

tl::unexpected<Error> BatchFeed::corrupt(const std::string& what) const {
  return fail(ErrorKind::corrupt, file_->path() + " position " + std::to_string(position_) + ": " + what);
}

Result<std::optional<AnyBatch>> BatchFeed::next() {
  if (position_ == end_position_) return std::nullopt;
  auto start = bytes_at(protocol::batch_prefix_bytes);
  if (!start) return tl::unexpected(start.error());
  auto prefix = protocol::parse_batch_prefix(*start);
  if (!prefix) return corrupt(prefix.error().message);
  if (prefix->size_bytes() > end_position_ - position_) {
    return corrupt("the batch is " + std::to_string(prefix->size_bytes()) + " bytes long and the file has " +
                   std::to_string(end_position_ - position_));
  }
  auto bytes = bytes_at(prefix->size_bytes());
  if (!bytes) return tl::unexpected(bytes.error());
  auto batch = check_any_batch(*bytes);
  if (!batch) return corrupt(batch.error().message);
  if (auto fits = order_.check_offsets(batch->base_offset, batch->last_offset); !fits)
    return corrupt(fits.error().message);
  // What is copied would be taken for sound by whoever reads it next.
  if (auto fits = order_.check_epoch(batch->leader_epoch, batch->base_offset, batch->last_offset); !fits)
    return corrupt(fits.error().message);
  order_.passed(batch->leader_epoch, batch->base_offset, batch->last_offset);
  position_ += batch->bytes.size();
  return *batch;
}

}  // namespace millrace::log

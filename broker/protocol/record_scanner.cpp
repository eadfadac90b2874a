#include "broker/protocol/record_scanner.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>

namespace millrace::protocol {

// The bytes of a stream that are looked at. One is kept per thread, because a batch needs one for microseconds.
struct RecordScanner::Window {
  std::array<std::uint8_t, std::size_t{32} << 10> bytes;

  static std::unique_ptr<Window>& kept() {
    thread_local std::unique_ptr<Window> window;
    return window;
  }
};

RecordScanner::RecordScanner(const Batch& batch, const DecompressionLimits& limits)
    : batch_(batch),
      position_(batch.records().data()),
      end_(position_ + batch.records().size()),
      record_count_(batch.header.record_count) {
  if (batch.header.attributes.codec() == Codec::none) return;
  end_ = position_;
  auto stream = open_decompressor(batch.header.attributes.codec(), batch.records(), limits);
  if (!stream) {
    status_ = tl::unexpected(stream.error());
    return;
  }
  stream_ = std::move(*stream);
  window_ = std::exchange(Window::kept(), nullptr);
  if (!window_) window_.reset(new Window);  // not value-initialised: 32 KiB of zeroes that nobody reads
}

RecordScanner::~RecordScanner() {
  if (window_) Window::kept() = std::move(window_);
}

bool RecordScanner::next_closely() {
  if (!status_) return false;
  if (index_ == record_count_) {
    if (at_end() || !status_) return false;
    return fail_record("bytes are left over after the last record");
  }
  if (!read_record()) return status_ ? fail_record("its fields do not fill its length") : false;
  record_.index = index_++;
  return true;
}

bool RecordScanner::read_record() {
  sound_ = true;
  record_left_bytes_ = std::numeric_limits<std::int64_t>::max();
  const std::int32_t length = varint();
  if (!sound_ || length < 0) return false;
  plain_bytes_ += varint_size(length) + static_cast<std::uint64_t>(length);
  record_left_bytes_ = length;
  if (!skip(1)) return false;  // attributes: none is defined
  record_.timestamp_delta = varlong(varlong_limit_bytes);
  record_.offset_delta = varint();
  record_.key_bytes = varint();
  if (!sound_ || record_.key_bytes < -1 || !skip(std::max(record_.key_bytes, 0))) return false;
  record_.value_bytes = varint();
  if (!sound_ || record_.value_bytes < -1 || !skip(std::max(record_.value_bytes, 0))) return false;
  return read_headers() && record_left_bytes_ == 0;
}

bool RecordScanner::read_headers() {
  record_.header_count = varint();
  if (!sound_ || record_.header_count < 0) return false;
  for (std::int32_t header = 0; header < record_.header_count; ++header) {
    const std::int32_t key_bytes = varint();
    if (!sound_ || key_bytes < 0 || !skip(key_bytes)) return false;
    const std::int32_t value_bytes = varint();
    if (!sound_ || value_bytes < -1 || !skip(std::max(value_bytes, 0))) return false;
  }
  return true;
}

bool RecordScanner::skip(std::int64_t size_bytes) {
  record_left_bytes_ -= size_bytes;
  if (record_left_bytes_ < 0) return sound_ = false;
  for (;;) {
    const std::int64_t here = std::min<std::int64_t>(size_bytes, end_ - position_);
    position_ += here;
    size_bytes -= here;
    if (size_bytes == 0) return true;
    if (!refill()) return sound_ = false;
  }
}

std::int64_t RecordScanner::varlong(std::size_t limit_bytes) {
  std::uint64_t zigzag = 0;
  for (std::size_t index = 0; index < limit_bytes && record_left_bytes_ > 0; ++index) {
    if (position_ == end_ && !refill()) break;
    const std::uint8_t byte = *position_++;
    --record_left_bytes_;
    zigzag |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * index);
    if ((byte & 0x80) == 0) return from_zigzag(zigzag);
  }
  sound_ = false;
  return 0;
}

std::int32_t RecordScanner::varint() {
  const std::int64_t value = varlong(varint_limit_bytes);
  if (value < std::numeric_limits<std::int32_t>::min() || value > std::numeric_limits<std::int32_t>::max())
    sound_ = false;
  return static_cast<std::int32_t>(value);
}

bool RecordScanner::at_end() { return position_ == end_ && !refill(); }

bool RecordScanner::refill() {
  if (!stream_) return false;
  auto count = stream_->read(window_->bytes);
  if (!count) {
    status_ = fail(count.error().kind, "batch at offset " + std::to_string(batch_.header.base_offset.value()) + ": " +
                                           count.error().message);
    return false;
  }
  position_ = window_->bytes.data();
  end_ = position_ + *count;
  return *count != 0;
}

bool RecordScanner::fail_record(const char* why) {
  status_ =
      fail(ErrorKind::corrupt, "batch at offset " + std::to_string(batch_.header.base_offset.value()) + ", record " +
                                   std::to_string(index_) + " of " + std::to_string(record_count_) + ": " + why);
  return false;
}

}  // namespace millrace::protocol

#include "broker/protocol/record.h"

#include <limits>
#include <string>

#include "broker/protocol/varint.h"

namespace millrace::protocol {
namespace {

// Reads within one record; the first failure sticks.
class RecordCursor {
 public:
  explicit RecordCursor(BytesView bytes) : position_(bytes.data()), end_(position_ + bytes.size()) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t remaining_bytes() const { return static_cast<std::size_t>(end_ - position_); }

  std::int64_t varlong(std::size_t limit_bytes = varlong_limit_bytes) {
    std::uint64_t zigzag = 0;
    for (std::size_t index = 0; index < limit_bytes; ++index) {
      if (position_ == end_) break;
      const std::uint8_t byte = *position_++;
      zigzag |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * index);
      if ((byte & 0x80) == 0) return from_zigzag(zigzag);
    }
    ok_ = false;
    return 0;
  }
  std::int32_t varint() {
    const std::int64_t value = varlong(varint_limit_bytes);
    if (value < std::numeric_limits<std::int32_t>::min() || value > std::numeric_limits<std::int32_t>::max())
      ok_ = false;
    return static_cast<std::int32_t>(value);
  }
  BytesView bytes(std::int32_t size_bytes) {
    if (size_bytes < 0 || static_cast<std::size_t>(size_bytes) > remaining_bytes()) {
      ok_ = false;
      return {};
    }
    const BytesView view(position_, static_cast<std::size_t>(size_bytes));
    position_ += size_bytes;
    return view;
  }
  std::optional<BytesView> nullable_bytes() {
    const std::int32_t size_bytes = varint();
    if (size_bytes == -1) return std::nullopt;
    return bytes(size_bytes);
  }
  BytesView rest() { return bytes(static_cast<std::int32_t>(remaining_bytes())); }

 private:
  const std::uint8_t* position_;
  const std::uint8_t* end_;
  bool ok_ = true;
};

// Whether `count` headers fill `bytes` exactly.
bool headers_are_sound(BytesView bytes, std::int32_t count) {
  RecordCursor cursor(bytes);
  for (std::int32_t index = 0; index < count && cursor.ok(); ++index) {
    cursor.bytes(cursor.varint());
    cursor.nullable_bytes();
  }
  return cursor.ok() && cursor.remaining_bytes() == 0;
}

}  // namespace

TimestampMs Record::timestamp(const BatchHeader& batch) const {
  if (batch.attributes.timestamp_type() == TimestampType::log_append_time) return batch.max_timestamp;
  return TimestampMs(static_cast<std::int64_t>(static_cast<std::uint64_t>(batch.base_timestamp.value()) +
                                               static_cast<std::uint64_t>(timestamp_delta)));
}

std::vector<RecordHeader> record_headers(const Record& record) {
  std::vector<RecordHeader> headers;
  headers.reserve(static_cast<std::size_t>(record.header_count));
  RecordCursor cursor(record.encoded_headers);
  for (std::int32_t index = 0; index < record.header_count; ++index) {
    const std::string_view key = as_text(cursor.bytes(cursor.varint()));
    headers.push_back({key, cursor.nullable_bytes()});
  }
  return headers;
}

RecordReader::RecordReader(const BatchHeader& header, BytesView plain_records)
    : rest_(plain_records), record_count_(header.record_count), base_offset_(header.base_offset) {}

bool RecordReader::next() {
  if (!status_) return false;
  if (index_ == record_count_) return rest_.empty() ? false : fail_record("bytes are left over after the last record");
  RecordCursor outer(rest_);
  const std::int32_t length = outer.varint();
  const BytesView body = outer.bytes(length);
  if (!outer.ok()) return fail_record("its length exceeds the batch");
  RecordCursor cursor(body);
  const BytesView attributes = cursor.bytes(1);
  record_.attributes = attributes.empty() ? std::uint8_t{0} : attributes.front();
  record_.timestamp_delta = cursor.varlong();
  record_.offset_delta = cursor.varint();
  record_.key = cursor.nullable_bytes();
  record_.value = cursor.nullable_bytes();
  record_.header_count = cursor.varint();
  record_.encoded_headers = cursor.rest();
  if (!cursor.ok() || record_.header_count < 0) return fail_record("its fields exceed its length");
  if (!headers_are_sound(record_.encoded_headers, record_.header_count))
    return fail_record("its headers do not fill its length");
  rest_ = outer.rest();
  ++index_;
  return true;
}

bool RecordReader::fail_record(const char* why) {
  status_ = fail(ErrorKind::corrupt, "batch at offset " + std::to_string(base_offset_.value()) + ", record " +
                                         std::to_string(index_) + " of " + std::to_string(record_count_) + ": " + why);
  return false;
}

}  // namespace millrace::protocol

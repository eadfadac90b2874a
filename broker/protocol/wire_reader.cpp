#include "broker/protocol/wire_reader.h"

namespace millrace::protocol {

std::uint32_t WireReader::unsigned_varint() {
  std::uint32_t value = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    if (position_ == end_) {
      fail_truncated(1);
      return 0;
    }
    const std::uint8_t byte = *position_++;
    if (shift == 28 && byte > 0x0f) break;
    value |= static_cast<std::uint32_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  fail(ErrorKind::corrupt, "a variable-length integer is longer than 32 bits");
  return 0;
}

std::optional<std::size_t> WireReader::checked_length(std::int64_t length) {
  if (length == -1) return std::nullopt;
  if (length < -1) {
    fail(ErrorKind::corrupt, "length " + std::to_string(length) + " is negative; -1 alone means null");
    return std::nullopt;
  }
  if (static_cast<std::uint64_t>(length) > remaining_bytes()) {
    fail_truncated(static_cast<std::size_t>(length));
    return std::nullopt;
  }
  return static_cast<std::size_t>(length);
}

std::optional<std::size_t> WireReader::classic_string_length() {
  return checked_length(static_cast<std::int16_t>(number<std::uint16_t>()));
}

std::optional<std::size_t> WireReader::classic_length() {
  return checked_length(static_cast<std::int32_t>(number<std::uint32_t>()));
}

std::optional<std::size_t> WireReader::compact_length() {
  return checked_length(static_cast<std::int64_t>(unsigned_varint()) - 1);
}

const std::uint8_t* WireReader::narrow(std::size_t size_bytes) {
  const std::uint8_t* const end = end_;
  if (size_bytes > remaining_bytes()) {
    fail_truncated(size_bytes);
  } else {
    end_ = position_ + size_bytes;
  }
  return end;
}

void WireReader::fail(ErrorKind kind, const std::string& what) {
  if (failed_) return;
  failed_ = true;
  std::string message = "field '";
  message.append(field_).append("' at byte ").append(std::to_string(consumed_bytes())).append(": ").append(what);
  error_ = Error{kind, std::move(message)};
  end_ = position_;
}

void WireReader::fail_null() { fail(ErrorKind::corrupt, "null is not allowed in this version"); }

void WireReader::fail_truncated(std::size_t wanted_bytes) {
  fail(ErrorKind::truncated,
       std::to_string(wanted_bytes) + " bytes are announced and " + std::to_string(remaining_bytes()) + " remain");
}

}  // namespace millrace::protocol

#include "broker/protocol/decode_fields.h"

#include <cstring>

namespace millrace::protocol {

void DecodeFields::value(Uuid& into, bool /*may_be_null*/, bool /*compact*/) {
  const BytesView bytes = reader_.bytes(into.bytes.size());
  if (!bytes.empty()) std::memcpy(into.bytes.data(), bytes.data(), into.bytes.size());
}

std::optional<std::size_t> DecodeFields::string_length(bool compact) {
  const auto length = compact ? reader_.compact_length() : reader_.classic_string_length();
  if (length && *length > string_limit_bytes) {
    reader_.fail(ErrorKind::corrupt, "a string of " + std::to_string(*length) + " bytes; the limit is " +
                                         std::to_string(string_limit_bytes));
    return std::nullopt;
  }
  return length;
}

std::optional<std::size_t> DecodeFields::bytes_length(bool compact) {
  return compact ? reader_.compact_length() : reader_.classic_length();
}

void DecodeFields::value(String& into, bool /*may_be_null*/, bool compact) {
  if (const auto length = string_length(compact)) {
    into = as_text(reader_.bytes(*length));
  } else {
    reader_.fail_null();
  }
}

void DecodeFields::value(NullableString& into, bool may_be_null, bool compact) {
  if (const auto length = string_length(compact)) {
    into = as_text(reader_.bytes(*length));
  } else {
    into.reset();
    if (!may_be_null) reader_.fail_null();
  }
}

void DecodeFields::value(Bytes& into, bool /*may_be_null*/, bool compact) {
  if (const auto length = bytes_length(compact)) {
    into = reader_.bytes(*length);
  } else {
    reader_.fail_null();
  }
}

void DecodeFields::value(NullableBytes& into, bool may_be_null, bool compact) {
  if (const auto length = bytes_length(compact)) {
    into = reader_.bytes(*length);
  } else {
    into.reset();
    if (!may_be_null) reader_.fail_null();
  }
}

void DecodeFields::value(Records& into, bool may_be_null, bool compact) {
  if (const auto length = bytes_length(compact)) {
    into = Records(reader_.bytes(*length));
  } else {
    into = Records();
    if (!may_be_null) reader_.fail_null();
  }
}

std::optional<std::size_t> DecodeFields::array_count(std::size_t minimum_element_bytes,
                                                     std::size_t element_memory_bytes, bool may_be_null, bool compact) {
  const std::int64_t count =
      compact ? static_cast<std::int64_t>(reader_.unsigned_varint()) - 1
              : static_cast<std::int64_t>(static_cast<std::int32_t>(reader_.number<std::uint32_t>()));
  if (reader_.failed()) return std::nullopt;
  if (count == -1) {
    if (!may_be_null) reader_.fail_null();
    return std::nullopt;
  }
  if (count < -1) {
    reader_.fail(ErrorKind::corrupt, "array count " + std::to_string(count) + " is negative; -1 alone means null");
    return std::nullopt;
  }
  const auto elements = static_cast<std::uint64_t>(count);
  if (elements * minimum_element_bytes > reader_.remaining_bytes()) {
    reader_.fail(ErrorKind::truncated, "an array of " + std::to_string(count) + " elements takes at least " +
                                           std::to_string(elements * minimum_element_bytes) + " bytes and " +
                                           std::to_string(reader_.remaining_bytes()) + " remain");
    return std::nullopt;
  }
  if (elements * element_memory_bytes > memory_left_bytes_) {
    reader_.fail(ErrorKind::resource_exhausted,
                 "an array of " + std::to_string(count) + " elements exceeds the memory allowed for one message");
    return std::nullopt;
  }
  memory_left_bytes_ -= elements * element_memory_bytes;
  return static_cast<std::size_t>(elements);
}

}  // namespace millrace::protocol

#include "broker/protocol/legacy_message.h"

#include <zlib.h>

#include <algorithm>
#include <string>

namespace millrace::protocol {
namespace {

constexpr std::size_t prefix_bytes = 12;  // offset and size
constexpr std::size_t crc_at = 12;
constexpr std::size_t magic_at = 16;
constexpr std::size_t attributes_at = 17;
constexpr std::size_t timestamp_at = 18;
constexpr std::int32_t least_size_bytes = 14;  // of magic 0, after the size field

std::size_t fields_at(std::int8_t magic) { return magic == 0 ? timestamp_at : timestamp_at + 8; }

// Moves `at` behind a length and its bytes.
bool read_sized(BytesView bytes, std::size_t& at, std::optional<BytesView>& into) {
  if (bytes.size() - at < 4) return false;
  const auto length = load_big_endian<std::int32_t>(bytes.data() + at);
  at += 4;
  if (length < 0) return true;
  if (static_cast<std::size_t>(length) > bytes.size() - at) return false;
  into = bytes.subspan(at, static_cast<std::size_t>(length));
  at += static_cast<std::size_t>(length);
  return true;
}

std::size_t sized(const std::optional<BytesView>& bytes) { return 4 + (bytes ? bytes->size() : 0); }

std::uint8_t* store_sized(std::uint8_t* to, const std::optional<BytesView>& bytes) {
  store_big_endian(to, bytes ? static_cast<std::int32_t>(bytes->size()) : std::int32_t{-1});
  return bytes ? std::ranges::copy(*bytes, to + 4).out : to + 4;
}

tl::unexpected<Error> corrupt(Offset offset, const std::string& what) {
  return fail(ErrorKind::corrupt, "message at offset " + std::to_string(offset.value()) + ": " + what);
}

}  // namespace

Result<LegacyMessage> parse_legacy_message(BytesView bytes) {
  if (bytes.size() < prefix_bytes)
    return fail(ErrorKind::truncated,
                "a message starts with 12 bytes and " + std::to_string(bytes.size()) + " are there");
  LegacyMessage message;
  message.offset = Offset(load_big_endian<std::int64_t>(bytes.data()));
  const auto size = load_big_endian<std::int32_t>(bytes.data() + 8);
  if (size < least_size_bytes)
    return corrupt(message.offset, "its size is " + std::to_string(size) + "; the least is 14");
  if (static_cast<std::size_t>(size) > bytes.size() - prefix_bytes)
    return fail(ErrorKind::truncated, "message at offset " + std::to_string(message.offset.value()) + " is cut off");
  message.bytes = bytes.first(prefix_bytes + static_cast<std::size_t>(size));
  message.crc = load_big_endian<std::uint32_t>(bytes.data() + crc_at);
  message.magic = static_cast<std::int8_t>(bytes[magic_at]);
  message.attributes = BatchAttributes(bytes[attributes_at]);
  std::size_t at = fields_at(message.magic);
  if (at > message.bytes.size()) return corrupt(message.offset, "its size has no room for a timestamp");
  if (message.magic != 0) message.timestamp = TimestampMs(load_big_endian<std::int64_t>(bytes.data() + timestamp_at));
  if (!read_sized(message.bytes, at, message.key) || !read_sized(message.bytes, at, message.value))
    return corrupt(message.offset, "its key or value exceeds its size");
  return message;
}

std::uint32_t compute_legacy_crc(BytesView message) {
  const auto covered = message.subspan(magic_at);
  return static_cast<std::uint32_t>(crc32_z(0, covered.data(), covered.size()));
}

std::uint32_t extend_legacy_crc(std::uint32_t sum, BytesView bytes) {
  return static_cast<std::uint32_t>(crc32_z(sum, bytes.data(), bytes.size()));
}

Status check_legacy_crc(const LegacyMessage& message) {
  const auto actual = compute_legacy_crc(message.bytes);
  if (actual == message.crc) return {};
  return corrupt(message.offset, "Record is corrupt (stored crc = " + std::to_string(message.crc) +
                                     ", computed crc = " + std::to_string(actual) + ")");
}

Result<bool> LegacyMessageReader::next() {
  auto message = parse_legacy_message(rest_);
  if (!message) {
    if (message.error().kind == ErrorKind::truncated) return false;
    return tl::unexpected(message.error());
  }
  message_ = *message;
  rest_ = rest_.subspan(message_.bytes.size());
  return true;
}

std::size_t legacy_size_bytes(const LegacyFields& fields) {
  return fields_at(fields.magic) + sized(fields.key) + sized(fields.value);
}

void append_legacy_message(std::vector<std::uint8_t>& to, const LegacyFields& fields) {
  const auto start = to.size();
  const auto size_bytes = legacy_size_bytes(fields);
  to.resize(start + size_bytes);
  std::uint8_t* const message = to.data() + start;
  store_big_endian(message, fields.offset.value());
  store_big_endian(message + 8, static_cast<std::int32_t>(size_bytes - prefix_bytes));
  message[magic_at] = static_cast<std::uint8_t>(fields.magic);
  message[attributes_at] = static_cast<std::uint8_t>(fields.attributes.bits());
  if (fields.magic != 0) store_big_endian(message + timestamp_at, fields.timestamp.value());
  store_sized(store_sized(message + fields_at(fields.magic), fields.key), fields.value);
  store_big_endian(message + crc_at, compute_legacy_crc({message, size_bytes}));
}

}  // namespace millrace::protocol

// Zigzag variable-length integers of records (org.apache.kafka.common.utils.ByteUtils, as in Protocol Buffers): seven bits a byte,
// least significant first, the sign in the lowest bit.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace millrace::protocol {

inline constexpr std::size_t varint_limit_bytes = 5;    // of 32 bits
inline constexpr std::size_t varlong_limit_bytes = 10;  // of 64 bits

constexpr std::uint64_t to_zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int64_t from_zigzag(std::uint64_t zigzag) {
  return static_cast<std::int64_t>((zigzag >> 1) ^ (~(zigzag & 1) + 1));
}

// The bytes that `value` takes; the same for an int32 as varint and as varlong.
constexpr std::size_t varint_size(std::int64_t value) {
  const std::uint64_t zigzag = to_zigzag(value);
  return zigzag == 0 ? 1 : (static_cast<std::size_t>(std::bit_width(zigzag)) + 6) / 7;
}

// Behind a number of at most `limit_bytes`, all of which can be read; null where it is longer. Five of them are in each record that is
// produced: a call for each takes as long as the number.
template <std::size_t limit_bytes>
[[gnu::always_inline]] inline const std::uint8_t* read_varint(const std::uint8_t* at, std::int64_t& value) {
  std::uint64_t zigzag = *at++;
  if (zigzag >= 0x80) {
    zigzag &= 0x7f;
    for (std::size_t shift = 7;; shift += 7) {
      if (shift == 7 * limit_bytes) return nullptr;
      const std::uint64_t byte = *at++;
      zigzag |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
  }
  value = from_zigzag(zigzag);
  return at;
}

inline void append_varint(std::vector<std::uint8_t>& to, std::int64_t value) {
  std::uint64_t zigzag = to_zigzag(value);
  for (; zigzag >= 0x80; zigzag >>= 7) to.push_back(static_cast<std::uint8_t>(zigzag | 0x80));
  to.push_back(static_cast<std::uint8_t>(zigzag));
}

}  // namespace millrace::protocol

#include "broker/base/java_string.h"

#include <limits>

#include "broker/base/check.h"

namespace millrace {
namespace {

constexpr std::uint32_t replacement = 0xfffd;

// The bytes that may follow a first byte, and where the second one must lie (the Unicode standard's table 3-7).
struct Sequence {
  int following = -1;  // -1: no first byte
  std::uint8_t second_lowest = 0x80;
  std::uint8_t second_highest = 0xbf;
};

Sequence sequence_of(std::uint8_t first) {
  if (first < 0x80) return {.following = 0};
  if (first < 0xc2 || first > 0xf4) return {};
  if (first < 0xe0) return {.following = 1};
  if (first == 0xe0) return {.following = 2, .second_lowest = 0xa0};
  if (first < 0xf0) return {.following = 2};
  if (first == 0xf0) return {.following = 3, .second_lowest = 0x90};
  if (first == 0xf4) return {.following = 3, .second_highest = 0x8f};
  return {.following = 3};
}

// The code point at `at`, which moves behind it.
std::uint32_t next_code_point(std::string_view utf8, std::size_t& at) {
  const auto first = static_cast<std::uint8_t>(utf8[at++]);
  const Sequence sequence = sequence_of(first);
  if (sequence.following < 0) return replacement;
  if (sequence.following == 0) return first;
  std::uint32_t code_point = first & (0x3fU >> sequence.following);  // what the length's bits leave
  for (int index = 0; index < sequence.following; ++index) {
    if (at == utf8.size()) return replacement;
    const auto byte = static_cast<std::uint8_t>(utf8[at]);
    const std::uint8_t lowest = index == 0 ? sequence.second_lowest : 0x80;
    const std::uint8_t highest = index == 0 ? sequence.second_highest : 0xbf;
    if (byte < lowest || byte > highest) return replacement;
    code_point = (code_point << 6) | (byte & 0x3fU);
    ++at;
  }
  // Half of a surrogate pair in three bytes of its own is one fault.
  return code_point >= 0xd800 && code_point < 0xe000 ? replacement : code_point;
}

template <class Unit>
void each_utf16_unit(std::string_view utf8, Unit unit) {
  for (std::size_t at = 0; at < utf8.size();) {
    const std::uint32_t code_point = next_code_point(utf8, at);
    if (code_point < 0x10000) {
      unit(code_point);
    } else {
      unit(0xd800 + ((code_point - 0x10000) >> 10));
      unit(0xdc00 + ((code_point - 0x10000) & 0x3ff));
    }
  }
}

}  // namespace

std::int32_t java_hash(std::string_view utf8) {
  std::uint32_t hash = 0;
  each_utf16_unit(utf8, [&](std::uint32_t unit) { hash = hash * 31 + unit; });
  return static_cast<std::int32_t>(hash);
}

std::size_t java_length(std::string_view utf8) {
  std::size_t length = 0;
  each_utf16_unit(utf8, [&](std::uint32_t) { ++length; });
  return length;
}

std::int32_t java_partition(std::string_view id, std::int32_t partition_count) {
  MILLRACE_INVARIANT(partition_count > 0, "an internal topic has at least one partition");
  const std::int32_t hash = java_hash(id);
  if (hash == std::numeric_limits<std::int32_t>::min()) return 0;
  return (hash < 0 ? -hash : hash) % partition_count;
}

}  // namespace millrace

// Versions of a message and ranges of them, both ends included.
#pragma once

#include <cstdint>

namespace millrace::protocol {

using Version = std::int16_t;

inline constexpr Version highest_version = 0x7fff;

struct Versions {
  Version lowest = 0;
  Version highest = highest_version;

  [[nodiscard]] constexpr bool contains(Version version) const { return version >= lowest && version <= highest; }
  friend constexpr bool operator==(Versions, Versions) = default;
};

inline constexpr Versions no_versions{1, 0};

constexpr Versions since(Version first) { return {first, highest_version}; }
constexpr Versions between(Version first, Version last) { return {first, last}; }

}  // namespace millrace::protocol

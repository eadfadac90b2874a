// The bytes of a fuzzer as a source of choices: each asks for what it needs, and zeroes follow the end.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "broker/base/bytes.h"

namespace millrace::fuzz {

inline void require(bool condition, const std::string& what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what.c_str());
  std::abort();
}

class FuzzInput {
 public:
  explicit FuzzInput(BytesView bytes) : rest_(bytes) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] BytesView rest() const { return rest_; }

  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  // From 0 to `limit` - 1.
  std::size_t below(std::size_t limit) { return limit <= 256 ? byte() % limit : (byte() * 256U + byte()) % limit; }

  // An unsigned integer: small ones are likely, as are those at the ends.
  template <class Integer>
  Integer integer() {
    const auto kind = byte();
    if (kind < 0x80) return static_cast<Integer>(kind % 0x40);
    if (kind < 0xa0) return static_cast<Integer>(~Integer{0} - kind % 4);         // -1 and its neighbours
    if (kind < 0xc0) return static_cast<Integer>((~Integer{0} >> 1) + kind % 2);  // the largest and the smallest
    Integer value = 0;
    for (std::size_t index = 0; index < sizeof(Integer); ++index)
      value = static_cast<Integer>(static_cast<std::uint64_t>(value) << 8 | byte());
    return value;
  }

  // A view of the input itself, which lives as long as the run; shorter where it ends.
  BytesView bytes(std::size_t size_bytes) {
    const auto taken = rest_.first(std::min(size_bytes, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

 private:
  BytesView rest_;
};

}  // namespace millrace::fuzz

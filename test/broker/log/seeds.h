// The seeds that a test of random lives runs: all of its own, or the one of MILLRACE_SEED alone.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace millrace::log::test {

struct Seeds {
  std::uint64_t first = 1;
  std::uint64_t last = 1;
};

inline Seeds seeds_up_to(std::uint64_t last) {
  const char* only = std::getenv("MILLRACE_SEED");
  if (only == nullptr) return {.first = 1, .last = last};
  const auto seed = std::strtoull(only, nullptr, 10);
  return {.first = seed, .last = seed};
}

}  // namespace millrace::log::test

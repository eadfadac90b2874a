#include "broker/base/random.h"

#include <sys/random.h>

#include <cstring>

#include "broker/base/check.h"

namespace millrace {

void Random::fill(MutableBytes bytes) {
  while (!bytes.empty()) {
    std::uint64_t word = next();
    std::size_t count = bytes.size() < sizeof word ? bytes.size() : sizeof word;
    std::memcpy(bytes.data(), &word, count);
    bytes = bytes.subspan(count);
  }
}

std::uint64_t SystemRandom::next() {
  std::uint64_t word = 0;
  // Up to 256 bytes are never interrupted or short once the pool is seeded (getrandom(2)).
  MILLRACE_INVARIANT(getrandom(&word, sizeof word, 0) == static_cast<ssize_t>(sizeof word), "getrandom gave no bytes");
  return word;
}

std::uint64_t SeededRandom::next() {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace millrace

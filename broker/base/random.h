// Randomness comes in through constructors, so that a simulator can seed it. Not for secrets.
#pragma once

#include <cstdint>

#include "broker/base/bytes.h"

namespace millrace {

class Random {
 public:
  Random() = default;
  Random(const Random&) = delete;
  Random& operator=(const Random&) = delete;
  virtual ~Random() = default;

  virtual std::uint64_t next() = 0;

  // Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  void fill(MutableBytes bytes);
};

// The operating system's randomness (getrandom). Any thread.
class SystemRandom final : public Random {
 public:
  std::uint64_t next() override;
};

// A reproducible sequence (SplitMix64). One thread.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() override;

 private:
  std::uint64_t state_;
};

}  // namespace millrace

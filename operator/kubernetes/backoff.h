// How long to wait after a failure: from min, doubled each time up to max, and spread up to half as much again, so that many
// clients of a server that comes back do not come back together. One thread.
#pragma once

#include <algorithm>
#include <cstdint>

#include "broker/base/clock.h"
#include "broker/base/random.h"

namespace millrace::kubernetes {

class Backoff {
 public:
  Backoff(Duration min, Duration max, Random& random) : min_(min), max_(max), next_(min), random_(random) {}

  Duration next() {
    Duration base = next_;
    next_ = std::min(max_, base * 2);
    auto spread = static_cast<std::uint64_t>(base.count() / 2);
    Duration jitter(spread == 0 ? 0 : static_cast<Duration::rep>(random_.below(spread)));
    return std::min(max_, base + jitter);
  }
  void reset() { next_ = min_; }

 private:
  Duration min_;
  Duration max_;
  Duration next_;
  Random& random_;
};

}  // namespace millrace::kubernetes

// How long a simulated disk takes: each call its share of the job that makes it, a few of them very long.
#pragma once

#include <algorithm>
#include <cstdint>

#include "broker/base/random.h"
#include "test/sim/simulated_disk.h"
#include "test/sim/simulated_scheduler.h"

namespace millrace::sim {

struct DiskTimes {
  std::uint64_t sync_us = 4'000;  // at most, as the others
  std::uint64_t other_us = 20;
  std::uint64_t one_stall_in = 0;  // calls; 0: none
  Duration stall = std::chrono::seconds(1);

  // For an on_call; with chances of their own, so that what is scheduled stays the same.
  void take(SimulatedScheduler& scheduler, Random& random, DiskCall call) const {
    const bool syncs = call == DiskCall::sync || call == DiskCall::sync_directory;
    const auto longest = std::max<std::uint64_t>(1, syncs ? sync_us : other_us);
    scheduler.take_time(std::chrono::microseconds(random.below(longest)));
    if (one_stall_in > 0 && random.below(one_stall_in) == 0) scheduler.take_time(stall);
  }
};

}  // namespace millrace::sim

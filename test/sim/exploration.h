// Crashes on the way of a workload's run.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

#include "test/sim/crash_workload.h"

namespace millrace::sim {

// MILLRACE_CRASH_POINTS, where that is set.
inline std::uint64_t crash_points_wanted(std::uint64_t otherwise) {
  const char* wanted = std::getenv("MILLRACE_CRASH_POINTS");
  return wanted == nullptr ? otherwise : std::strtoull(wanted, nullptr, 10);
}

struct Exploration {
  std::uint64_t one_change_in = 1;  // so many is tried
  std::uint64_t fates = 1;          // of each
  std::uint64_t points = 0;         // so far
};

// A run of one seed with crashes on its way; what is found wrong, with its story.
inline std::string explore(std::uint64_t seed, const CrashWorkload::Settings& settings, Exploration& exploration) {
  CrashWorkload workload(seed, settings);
  SeededRandom chosen(seed * 7);
  workload.before_change = [&]() -> std::string {
    if (chosen.below(exploration.one_change_in) != 0) return "";
    for (std::uint64_t fate = 0; fate < exploration.fates; ++fate) {
      const auto number = exploration.points++;
      const Crash crash{PowerLoss::by_number(number), seed * 1'000'003 + number};
      auto wrong = check_crash(workload.disk(), crash, workload.settings(), workload.ledgers());
      if (!wrong.empty())
        return wrong + "\n  (before change " + std::to_string(workload.disk().changes()) + ", " +
               crash.loss.to_string() + ")\n" + workload.scheduler().story();
    }
    return "";
  };
  return workload.run();
}

}  // namespace millrace::sim

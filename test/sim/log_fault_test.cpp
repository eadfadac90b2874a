// A disk fails at each of its calls in turn: its directory goes offline alone, and after the next start nothing is
// missing that was promised.
//
// MILLRACE_CRASH_POINTS: so many calls are tried of each kind; fewer by default.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

#include "broker/base/logging.h"
#include "test/sim/exploration.h"

namespace millrace::sim {
namespace {

struct DiskFailure {
  std::string name;
  std::set<DiskCall> calls;
  ErrorKind kind;
  std::uint64_t times;
  bool machine_restarts;  // what is read afterwards is not what the disk has
};

void PrintTo(const DiskFailure& failure, std::ostream* out) { *out << failure.name; }

class LogFault : public testing::TestWithParam<DiskFailure> {
 protected:
  void SetUp() override { set_log_level(LogLevel::off); }
  void TearDown() override { set_log_level(LogLevel::info); }

  // Whether there are so many calls.
  static bool fail_at(std::uint64_t call, std::uint64_t seed) {
    const auto& failure = GetParam();
    CrashWorkload workload(seed, {.steps = 40});
    auto& disk = workload.disk();
    disk.fail({.calls = failure.calls,
               .matches = [](const auto& path) { return path.starts_with("/a/logs"); },
               .kind = failure.kind,
               .after = call,
               .times = failure.times});
    const auto wrong = workload.run_one_life();
    EXPECT_EQ(wrong, "") << workload.scheduler().story();
    const bool failed = disk.failed_calls() > 0;
    for (const auto& directory : workload.logs().manager().directories())
      EXPECT_EQ(directory.offline.has_value(), failed && directory.path == "/a/logs") << directory.path;
    disk.heal();
    std::string lost;
    if (!failure.machine_restarts) lost = check_kill(disk, call, workload.settings(), workload.ledgers());
    for (std::uint64_t fate = 0; fate < 3 && lost.empty(); ++fate)
      lost = check_crash(disk, {PowerLoss::by_number(call + fate), call}, workload.settings(), workload.ledgers());
    EXPECT_EQ(lost, "") << "MILLRACE_SEED=" << seed << "\n" << workload.scheduler().story();
    return failed;
  }
};

TEST_P(LogFault, TakesOneDirectoryOfflineAndNothingThatWasPromised) {
  const auto wanted = crash_points_wanted(25);
  std::uint64_t tried = 0;
  for (auto seed = seed_of_run(1); tried < wanted && !HasFailure(); ++seed) {
    // The calls of one run after another, with gaps where only a few are wanted.
    const std::uint64_t stride = wanted > 1'000 ? 1 : 13;
    for (auto call = seed % stride; tried < wanted && !HasFailure(); call += stride, ++tried) {
      SCOPED_TRACE("call " + std::to_string(call) + " of seed " + std::to_string(seed));
      if (!fail_at(call, seed)) break;
    }
  }
  std::cout << tried << " failures\n";
}

INSTANTIATE_TEST_SUITE_P(
    Of, LogFault,
    testing::Values(DiskFailure{"full",
                                {DiskCall::write, DiskCall::create, DiskCall::make_directory},
                                ErrorKind::no_space,
                                UINT64_MAX,
                                false},
                    DiskFailure{"failed_sync", {DiskCall::sync, DiskCall::sync_directory}, ErrorKind::io, 1, true},
                    DiskFailure{"failed_write",
                                {DiskCall::write, DiskCall::truncate, DiskCall::rename, DiskCall::remove},
                                ErrorKind::io,
                                1,
                                false},
                    DiskFailure{
                        "failed_read", {DiskCall::read, DiskCall::open, DiskCall::list}, ErrorKind::io, 1, false}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace millrace::sim

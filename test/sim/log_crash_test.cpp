// The power goes before every change of the disk of a workload, with several fates of what was not synced: what was
// promised is there, nothing else is, and all that the logs say is what logs say that are built anew from the records
// that survive.
//
// MILLRACE_CRASH_POINTS: how many points are tried at least. MILLRACE_SEED: the first seed.
#include <gtest/gtest.h>

#include <iostream>

#include "broker/base/logging.h"
#include "test/sim/exploration.h"
#include "test/sim/lying_files.h"

namespace millrace::sim {
namespace {

struct LogCrash : testing::Test {
  void SetUp() override { set_log_level(LogLevel::off); }
  void TearDown() override { set_log_level(LogLevel::info); }
};

TEST_F(LogCrash, LosesNothingThatWasPromisedAtAnyChangeOfAWorkload) {
  const auto wanted = crash_points_wanted(800);
  Exploration exploration{.one_change_in = wanted > 20'000 ? 1U : 30U, .fates = wanted > 20'000 ? 3U : 2U};
  auto seed = seed_of_run(1);
  for (; exploration.points < wanted; ++seed) {
    const auto wrong = explore(seed, {}, exploration);
    ASSERT_EQ(wrong, "") << "MILLRACE_SEED=" << seed;
  }
  std::cout << exploration.points << " crash points, up to seed " << seed - 1 << "\n";
}

TEST_F(LogCrash, IsTheSameWorkloadForTheSameSeed) {
  std::uint64_t first = 0;
  for (int time = 0; time < 2; ++time) {
    CrashWorkload workload(11, {});
    ASSERT_EQ(workload.run(), "");
    const auto now = workload.scheduler().fingerprint() ^ workload.disk().fingerprint();
    if (time == 0) first = now;
    EXPECT_EQ(now, first);
    EXPECT_GT(workload.appended(), 50U);
    EXPECT_GT(workload.disk().changes(), 1'000U);
    EXPECT_GT(workload.disk().cached_reads(), 50U);
    EXPECT_GT(workload.disk().uncached_reads(), 5U);
    EXPECT_GT(workload.swaps(), 3U);
    EXPECT_GT(workload.scrubs(), 10U);
  }
}

// A bug that is planted, and found.
struct PlantedBug : LogCrash {
  static constexpr std::uint64_t most_points = 4'000;

  static std::string find(const CrashWorkload::Settings& settings) {
    Exploration exploration{.one_change_in = 10, .fates = 3};
    std::string wrong;
    for (std::uint64_t seed = 1; wrong.empty() && exploration.points < most_points; ++seed)
      wrong = explore(seed, settings, exploration);
    std::cout << exploration.points << " points: " << wrong.substr(0, wrong.find('\n')) << "\n";
    return wrong;
  }
  static std::string find_lie(const LyingFiles::Lies& lies) {
    return find({.decorate = [lies](FileSystem& files) { return std::make_unique<LyingFiles>(files, lies); }});
  }
};

TEST_F(PlantedBug, IsFoundWhereDirectoriesAreNotSynced) {
  EXPECT_NE(find_lie([](const auto& path) { return path.rfind('.') == std::string::npos; }), "");
}
TEST_F(PlantedBug, IsFoundWhereSegmentsAreNotSynced) {
  EXPECT_NE(find_lie([](const auto& path) { return path.ends_with(".log"); }), "");
}
TEST_F(PlantedBug, IsFoundWhereCompactedSegmentsAreNotSynced) {
  EXPECT_NE(find_lie([](const auto& path) { return path.ends_with(".log.cleaned"); }), "");
}
TEST_F(PlantedBug, IsFoundWhereCopiesOfMovedLogsAreNotSynced) {
  EXPECT_NE(find_lie([](const auto& path) { return path.find("-future/") != path.npos && path.ends_with(".log"); }),
            "");
}
TEST_F(PlantedBug, IsFoundWhereEpochsAreNotSynced) {
  EXPECT_NE(find_lie([](const auto& path) { return path.ends_with("leader-epoch-checkpoint.tmp"); }), "");
}
TEST_F(PlantedBug, IsFoundWhereIndexesAreNotSynced) {
  EXPECT_NE(find_lie([](const auto& path) { return path.ends_with("index"); }), "");
}
TEST_F(PlantedBug, IsFoundWhereAnAppendIsAcknowledgedBeforeItIsSynced) {
  EXPECT_NE(find({.acknowledged_early = true}), "");
}

}  // namespace
}  // namespace millrace::sim

// MILLRACE_SEED runs one seed; MILLRACE_GROUP_STEPS says how many steps all seeds make together.
#include <gtest/gtest.h>

#include <cstdlib>

#include "test/broker/coordinator/group_model.h"

namespace millrace::coordinator::test {
namespace {

constexpr int steps_per_seed = 2'000;

std::uint64_t wanted(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(GroupModel, HoldsWhateverMembersLogsAndMovesDo) {
  std::uint64_t first = 1;
  std::uint64_t last = std::max<std::uint64_t>(1, wanted("MILLRACE_GROUP_STEPS", 40'000) / steps_per_seed);
  if (const auto only = wanted("MILLRACE_SEED", 0); only != 0) first = last = only;
  std::map<std::string, std::int64_t> counts;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    GroupModel model(seed, PlantedBug::none);
    ASSERT_TRUE(model.run(steps_per_seed)) << "MILLRACE_SEED=" << seed << ", " << model.violation();
    for (const auto& [what, count] : model.counts()) counts[what] += count;
  }
  for (const char* what : {"joined", "synced", "committed", "transaction", "abort", "leave", "crash", "move",
                           "deletion", "expiry", "failed append", "offsets checked"}) {
    RecordProperty(std::string(what), static_cast<int>(counts[what]));
    if (first != last) EXPECT_GT(counts[what], 0) << "the model never got to: " << what;
  }
}

struct Planted {
  PlantedBug bug;
  const char* name;
  const char* found_as;  // a part of the violation's words
};

class PlantedGroupBug : public testing::TestWithParam<Planted> {};

TEST_P(PlantedGroupBug, IsFound) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    GroupModel model(seed, GetParam().bug);
    if (model.run(steps_per_seed)) continue;
    EXPECT_NE(model.violation().find(GetParam().found_as), std::string::npos) << model.violation();
    RecordProperty("found_in_seed", static_cast<int>(seed));
    return;
  }
  FAIL() << "40 seeds say that nothing is wrong";
}

INSTANTIATE_TEST_SUITE_P(
    All, PlantedGroupBug,
    testing::Values(Planted{PlantedBug::generation_not_bumped, "AGenerationThatIsNotBumped", "belongs to"},
                    Planted{PlantedBug::assignment_not_stored, "AnAssignmentThatIsNotStored", "belongs to"},
                    Planted{PlantedBug::commit_acknowledged_too_early, "ACommitThatIsAcknowledgedTooEarly",
                            "in the log at"},
                    Planted{PlantedBug::marker_before_the_commit, "AMarkerBeforeTheCommit", "in the log at"},
                    Planted{PlantedBug::marker_forgotten, "AMarkerThatIsForgotten", "in the log at"},
                    Planted{PlantedBug::abort_taken_for_commit, "AnAbortTakenForACommit", "in the log at"},
                    Planted{PlantedBug::tombstone_too_early, "ATombstoneTooEarly", "expired before its time"},
                    Planted{PlantedBug::tombstone_lost, "ATombstoneThatIsLost", "in the log at"},
                    Planted{PlantedBug::clock_forgotten, "AClockThatIsForgotten", ""}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace millrace::coordinator::test

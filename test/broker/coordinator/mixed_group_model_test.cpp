#include "test/broker/coordinator/mixed_group_model.h"

#include <gtest/gtest.h>

namespace millrace::coordinator::test {
namespace {

TEST(MixedGroupModel, KeepsItsPromisesInRandomWorlds) {
  std::map<std::string, int> counts;
  for (std::uint64_t seed = 1; seed <= 250; ++seed) {
    MixedGroupModel model(seed);
    ASSERT_EQ(model.run(3'000), "") << "seed " << seed;
    for (const auto& [what, count] : model.counts()) counts[what] += count;
  }
  for (const char* const what :
       {"crash", "failed append", "leaves", "lost answer", "move", "peace", "consumer", "classic consumer",
        "becomes consumer", "becomes classic", "joins consumer group", "joins classic group", "commit"})
    EXPECT_GT(counts[what], 100) << what;
  RecordProperty("steps", counts["step"]);
}

class PlantedMixedGroupBug : public testing::TestWithParam<MixedGroupBug> {};

TEST_P(PlantedMixedGroupBug, IsFound) {
  for (std::uint64_t seed = 1; seed <= 250; ++seed) {
    if (!MixedGroupModel(seed, GetParam()).run(3'000).empty()) return;
  }
  FAIL() << "nothing was violated";
}

INSTANTIATE_TEST_SUITE_P(All, PlantedMixedGroupBug,
                         testing::Values(MixedGroupBug::assignment_not_stored, MixedGroupBug::acknowledged_too_early,
                                         MixedGroupBug::offset_not_stored, MixedGroupBug::classic_keeps_partitions,
                                         MixedGroupBug::no_timeouts));

}  // namespace
}  // namespace millrace::coordinator::test

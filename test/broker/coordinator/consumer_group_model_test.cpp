#include "test/broker/coordinator/consumer_group_model.h"

#include <gtest/gtest.h>

namespace millrace::coordinator::test {
namespace {

TEST(ConsumerGroupModel, KeepsItsPromisesInRandomWorlds) {
  std::map<std::string, int> counts;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    ConsumerGroupModel model(seed);
    ASSERT_EQ(model.run(4'000), "") << "seed " << seed;
    for (const auto& [what, count] : model.counts()) counts[what] += count;
  }
  for (const char* const what :
       {"crash", "failed append", "fenced", "leaves", "leaves for a while", "lost answer", "move", "not yet", "peace",
        "refused", "static consumer", "subscription changed", "topic deleted", "topic grown"})
    EXPECT_GT(counts[what], 100) << what;
  RecordProperty("steps", counts["step"]);
}

class PlantedConsumerGroupBug : public testing::TestWithParam<ConsumerGroupBug> {};

TEST_P(PlantedConsumerGroupBug, IsFound) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    if (!ConsumerGroupModel(seed, GetParam()).run(4'000).empty()) return;
  }
  FAIL() << "nothing was violated";
}

INSTANTIATE_TEST_SUITE_P(All, PlantedConsumerGroupBug,
                         testing::Values(ConsumerGroupBug::assignment_not_stored,
                                         ConsumerGroupBug::acknowledged_too_early,
                                         ConsumerGroupBug::revocation_not_awaited, ConsumerGroupBug::no_timeouts));

}  // namespace
}  // namespace millrace::coordinator::test

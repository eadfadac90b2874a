#include "broker/controller/replica_assignment.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace millrace::controller {
namespace {

const std::vector<BrokerId> five{BrokerId(0), BrokerId(1), BrokerId(2), BrokerId(3), BrokerId(4)};

TEST(ReplicaAssignment, SpreadsLeadersAndReplicasEvenlyAndNeverTwiceOnOneBroker) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SeededRandom random(seed);
    auto assignment = assign_replicas(five, 20, 3, random);
    ASSERT_TRUE(assignment.has_value());
    std::map<BrokerId, int> leaders;
    std::map<BrokerId, int> replicas;
    for (const auto& partition : *assignment) {
      ++leaders[partition.front()];
      EXPECT_EQ(std::set<BrokerId>(partition.begin(), partition.end()).size(), 3u);
      for (auto replica : partition) ++replicas[replica];
    }
    for (auto broker : five) {
      EXPECT_EQ(leaders[broker], 4);
      EXPECT_EQ(replicas[broker], 12);
    }
  }
}

TEST(ReplicaAssignment, ShiftsTheFollowersSoThatALostBrokersLoadSpreads) {
  SeededRandom random(1);
  auto assignment = assign_replicas(five, 20, 2, random).value();
  std::map<BrokerId, std::set<BrokerId>> followers;
  for (const auto& partition : assignment) followers[partition[0]].insert(partition[1]);
  for (auto broker : five) EXPECT_EQ(followers[broker].size(), 4u);
}

TEST(ReplicaAssignment, RefusesWhatCannotBePlacedInKafkasWords) {
  SeededRandom random(1);
  EXPECT_EQ(assign_replicas(five, 0, 1, random).error().message, "Number of partitions must be larger than 0.");
  EXPECT_EQ(assign_replicas(five, 1, 0, random).error().message, "Replication factor must be larger than 0.");
  EXPECT_EQ(assign_replicas(five, 1, 6, random).error().message,
            "Replication factor: 6 larger than available brokers: 5.");
  EXPECT_FALSE(assign_replicas({}, 1, 1, random).has_value());
}

TEST(ReplicaAssignment, PlacesEverythingOnASingleBroker) {
  SeededRandom random(1);
  auto assignment = assign_replicas({BrokerId(7)}, 3, 1, random).value();
  EXPECT_EQ(assignment, (std::vector<std::vector<BrokerId>>{{BrokerId(7)}, {BrokerId(7)}, {BrokerId(7)}}));
}

}  // namespace
}  // namespace millrace::controller

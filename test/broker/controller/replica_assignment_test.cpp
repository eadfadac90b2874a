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

// As Kafka 3.9 has placed them: AdminUtils.assignReplicasToBrokers with a fixed start.
TEST(ReplicaAssignment, PlacesAddedPartitionsWhereTheFirstOnesWouldHaveGoneOn) {
  auto ids = [](std::initializer_list<std::int32_t> values) {
    std::vector<BrokerId> brokers;
    for (auto value : values) brokers.push_back(BrokerId(value));
    return brokers;
  };
  EXPECT_EQ(assign_more_replicas(five, 3, 4, 2, BrokerId(1)).value(),
            (std::vector<std::vector<BrokerId>>{ids({4, 1}), ids({0, 2}), ids({1, 4}), ids({2, 0})}));
  // The broker that led partition 0 has gone: the next one stands in.
  EXPECT_EQ(assign_more_replicas(ids({0, 2, 4}), 1, 1, 1, BrokerId(1)).value(),
            (std::vector<std::vector<BrokerId>>{ids({4})}));
  EXPECT_EQ(assign_more_replicas(ids({0, 2}), 2, 1, 1, BrokerId(7)).value(),
            (std::vector<std::vector<BrokerId>>{ids({0})}));
  EXPECT_FALSE(assign_more_replicas(ids({0}), 2, 1, 2, BrokerId(0)).has_value());
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

#include "broker/server/partition_growth.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace millrace::server {
namespace {

using metadata::znodes::TopicAssignment;
using protocol::ErrorCode;
using Assignment = PartitionGrowth::Assignment;

std::vector<BrokerId> ids(std::initializer_list<std::int32_t> values) {
  std::vector<BrokerId> brokers;
  for (auto value : values) brokers.push_back(BrokerId(value));
  return brokers;
}

// Two partitions with two replicas each.
TopicAssignment standing() {
  return {TopicId(), {{PartitionIndex(0), ids({1, 2}), {}, {}}, {PartitionIndex(1), ids({2, 0}), {}, {}}}};
}

PartitionGrowth to(std::int32_t count, std::optional<Assignment> assignment = std::nullopt) {
  return {"t", count, std::move(assignment), ids({0, 1, 2})};
}

void expect_refused(const PartitionGrowth& growth, const TopicAssignment& topic, ErrorCode code,
                    const std::string& message) {
  auto decided = growth.decide(topic);
  ASSERT_FALSE(decided.has_value());
  EXPECT_EQ(decided.error().code, code);
  EXPECT_EQ(decided.error().message, message);
}

TEST(PartitionGrowth, SpreadsNewPartitionsWhereTheOldOnesWouldHaveGoneOn) {
  EXPECT_EQ(to(4).decide(standing()).value(), (Assignment{ids({0, 2}), ids({1, 2})}));
}

TEST(PartitionGrowth, TakesTheReplicasThatAreNamed) {
  const Assignment named{ids({2, 1}), ids({0, 1})};
  EXPECT_EQ(to(4, named).decide(standing()).value(), named);
}

TEST(PartitionGrowth, RefusesATopicWhosePartitionsMove) {
  auto topic = standing();
  topic.partitions[1].adding = ids({1});
  expect_refused(to(3), topic, ErrorCode::reassignment_in_progress,
                 "A partition reassignment is in progress for the topic 't'.");
  topic = standing();
  topic.partitions[0].removing = ids({1});
  expect_refused(to(1), topic, ErrorCode::reassignment_in_progress,
                 "A partition reassignment is in progress for the topic 't'.");
}

TEST(PartitionGrowth, RefusesCountsThatAreNoMore) {
  expect_refused(to(2), standing(), ErrorCode::invalid_partitions, "Topic already has 2 partitions.");
  expect_refused(to(-1), standing(), ErrorCode::invalid_partitions,
                 "Topic currently has 2 partitions, which is higher than the requested -1.");
  expect_refused(to(100'001), standing(), ErrorCode::invalid_partitions,
                 "Number of partitions must be at most 100000.");
  expect_refused(to(1), {}, ErrorCode::unknown_topic_or_partition, "The topic 't' does not exist.");
}

TEST(PartitionGrowth, RefusesReplicasThatCannotBe) {
  constexpr auto code = ErrorCode::invalid_replica_assignment;
  expect_refused(to(3, Assignment{ids({8, 1}), ids({7, 8})}), standing(), code,
                 "Unknown broker(s) in replica assignment: 8, 7.");
  expect_refused(to(4, Assignment{ids({0, 1})}), standing(), code,
                 "Increasing the number of partitions by 2 but 1 assignments provided.");
  expect_refused(to(4, Assignment{ids({0, 1}), ids({})}), standing(), code,
                 "Cannot have replication factor of 0 for partition id 3.");
  expect_refused(to(3, Assignment{ids({1, 1})}), standing(), code,
                 "Duplicate brokers not allowed in replica assignment: 1, 1 for partition id 2.");
  expect_refused(to(5, Assignment{ids({0}), ids({0, 1}), ids({0, 1, 2})}), standing(), code,
                 "Inconsistent replication factor between partitions, partition 0 has 2 while partitions [2, 4] have "
                 "replication factors [1, 3], respectively.");
  auto alone = to(3);
  alone.live_brokers = ids({0});
  expect_refused(alone, standing(), ErrorCode::invalid_replication_factor,
                 "Replication factor: 2 larger than available brokers: 1.");
}

}  // namespace
}  // namespace millrace::server

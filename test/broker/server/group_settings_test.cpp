#include "broker/server/configuration/group_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/server/configuration/broker_configuration.h"

namespace millrace::server {
namespace {

using coordinator::ConsumerGroupMigrationPolicy;
using testing::ElementsAre;

coordinator::GroupTableConfig settings(ConfigPairs pairs) {
  pairs.insert(pairs.begin(), {"metadata.store", "embedded:/data/metadata"});
  auto made = make_broker_configuration(pairs, "here.example");
  EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().message);
  return made ? group_table_config(made->values) : coordinator::GroupTableConfig{};
}

TEST(GroupSettings, OfConsumerGroupsAreKafka4sWhereNothingIsSaid) {
  const auto config = settings({}).consumer_group;
  ASSERT_TRUE(config);
  EXPECT_EQ(config->group_consumer_session_timeout_ms, 45'000);
  EXPECT_EQ(config->group_consumer_heartbeat_interval_ms, 5'000);
  EXPECT_EQ(config->group_consumer_max_size, 2'147'483'647);
  EXPECT_THAT(config->group_consumer_assignors, ElementsAre("uniform", "range"));
  EXPECT_EQ(config->group_consumer_migration_policy, ConsumerGroupMigrationPolicy::bidirectional);
}

TEST(GroupSettings, TakeAssignorsByTheirNamesAndByThoseOfTheirClasses) {
  auto assignors = [](const char* names) {
    return settings({{"group.consumer.assignors", names}}).consumer_group->group_consumer_assignors;
  };
  EXPECT_THAT(assignors("range"), ElementsAre("range"));
  EXPECT_THAT(assignors("org.apache.kafka.coordinator.group.assignor.RangeAssignor, uniform"),
              ElementsAre("range", "uniform"));
  EXPECT_THAT(assignors("range,org.apache.kafka.coordinator.group.assignor.RangeAssignor"), ElementsAre("range"))
      << "one under two names";
}

TEST(GroupSettings, HaveNoConsumerGroupsWhereTheirProtocolIsNotOffered) {
  EXPECT_FALSE(settings({{"group.coordinator.rebalance.protocols", "classic"}}).consumer_group);
}

TEST(GroupSettings, TakeThePolicyInAnyCase) {
  auto policy = [](const char* name) {
    return settings({{"group.consumer.migration.policy", name}}).consumer_group->group_consumer_migration_policy;
  };
  EXPECT_EQ(policy("Disabled"), ConsumerGroupMigrationPolicy::disabled);
  EXPECT_EQ(policy("UPGRADE"), ConsumerGroupMigrationPolicy::upgrade);
  EXPECT_EQ(policy("downgrade"), ConsumerGroupMigrationPolicy::downgrade);
}

}  // namespace
}  // namespace millrace::server

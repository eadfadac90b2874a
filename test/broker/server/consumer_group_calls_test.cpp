// Groups of the protocol of KIP-848 over the wire: what handlers add to their coordinators, whose answers are compared with Kafka's by the
// compat suite.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/metadata/embedded_store.h"
#include "broker/metadata/znodes/broker_registration.h"
#include "broker/metadata/znodes/znode_paths.h"
#include "test/broker/metadata/store_client.h"
#include "test/broker/server/broker_under_test.h"

namespace millrace::server {
namespace {

using testing::ElementsAre;

const ConfigPairs several_partitions{{"offsets.topic.num.partitions", "7"}, {"offsets.topic.replication.factor", "1"}};

void make_offsets_topic(Client& client) {
  protocol::FindCoordinatorRequest request;
  request.key = "any";
  ASSERT_TRUE(eventually([&] { return client.ask(request, 3)->error_code == ErrorCode::none; }));
}

protocol::ConsumerGroupHeartbeatRequest heartbeat(std::string_view group, std::string_view member, std::int32_t epoch) {
  protocol::ConsumerGroupHeartbeatRequest request;
  request.group_id = group;
  request.member_id = member;
  request.member_epoch = epoch;
  if (epoch != 0) return request;
  request.rebalance_timeout_ms = 30'000;
  request.subscribed_topic_names = {"topic"};
  request.topic_partitions.emplace();
  return request;
}

TEST(ConsumerGroupCalls, GiveAMemberItsPartitionsAndTakeThemBack) {
  BrokerUnderTest broker(several_partitions);
  Client client(broker.port());
  const auto topic = create_topic(client, "topic", 2);
  make_offsets_topic(client);
  ErrorCode error{};
  ASSERT_TRUE(eventually([&] {
    auto joined = client.ask(heartbeat("group", "member", 0));
    error = joined->error_code;
    if (error != ErrorCode::none) return false;
    EXPECT_EQ(joined->member_epoch, 1);
    EXPECT_EQ(joined->heartbeat_interval_ms, 5'000);
    EXPECT_TRUE(joined->assignment.has_value());
    EXPECT_EQ(joined->assignment->topic_partitions.at(0).topic_id, topic);
    EXPECT_THAT(joined->assignment->topic_partitions.at(0).partitions,
                ElementsAre(PartitionIndex(0), PartitionIndex(1)));
    return true;
  })) << to_string(error);
  EXPECT_FALSE(client.ask(heartbeat("group", "member", 1))->assignment.has_value()) << "nothing has changed";
  EXPECT_EQ(client.ask(heartbeat("group", "member", -1))->member_epoch, -1);
  EXPECT_EQ(client.ask(heartbeat("group", "member", 1))->error_code, ErrorCode::unknown_member_id);
}

TEST(ConsumerGroupCalls, DescribeGroupsOfAllShardsInTheOrderOfTheRequest) {
  BrokerUnderTest broker(several_partitions);
  Client client(broker.port());
  create_topic(client, "topic", 2);
  make_offsets_topic(client);
  std::vector<std::string> groups;
  for (int number = 0; number < 12; ++number) groups.push_back("group-" + std::to_string(number));
  for (const auto& group : groups) {
    ASSERT_TRUE(eventually([&] { return client.ask(heartbeat(group, "member", 0))->error_code == ErrorCode::none; }));
  }
  protocol::ConsumerGroupDescribeRequest request;
  request.include_authorized_operations = true;
  for (const auto& group : groups) request.group_ids.emplace_back(group);
  request.group_ids.emplace_back("unknown");
  request.group_ids.emplace_back(groups.front());
  auto answer = client.ask(request);
  ASSERT_EQ(answer->groups.size(), request.group_ids.size());
  for (std::size_t index = 0; index < request.group_ids.size(); ++index) {
    const auto& group = answer->groups.at(index);
    EXPECT_EQ(group.group_id, request.group_ids.at(index));
    const bool is_known = group.group_id != "unknown";
    EXPECT_EQ(group.error_code, is_known ? ErrorCode::none : ErrorCode::group_id_not_found);
    EXPECT_EQ(group.members.size(), is_known ? 1U : 0U);
    EXPECT_EQ(group.authorized_operations == protocol::authorized_operations_omitted, !is_known);
  }
}

// A broker that has not marked itself as Millrace, as one of another machine would be seen.
void register_kafka(const std::string& metadata_directory, BrokerId id) {
  ManualShard shard;
  SystemClock clock;
  SeededRandom random(1);
  auto embedded = metadata::EmbeddedStore::open({.directory = metadata_directory}, clock, random);
  ASSERT_TRUE(embedded) << embedded.error().message;
  {
    metadata::test::StoreClient client(shard, (*embedded)->connect(shard));
    ASSERT_TRUE(client.open());
    metadata::znodes::BrokerRegistration kafka;
    kafka.endpoints = {{"PLAINTEXT", "PLAINTEXT", "127.0.0.1", 9}};
    ASSERT_TRUE(client.create(metadata::znodes::broker_path(id), metadata::znodes::encode(kafka)));
  }
  shard.run();
}

TEST(ConsumerGroupCalls, TakeNoNewMemberBesideAKafkaBroker) {
  BrokerUnderTest broker(several_partitions);
  {
    Client client(broker.port());
    create_topic(client, "topic", 2);
    make_offsets_topic(client);
    ASSERT_TRUE(eventually([&] { return client.ask(heartbeat("group", "member", 0))->error_code == ErrorCode::none; }));
  }
  broker.restart([&] { register_kafka(broker.metadata_directory(), BrokerId(9)); });
  Client client(broker.port());
  ASSERT_TRUE(eventually([&] { return client.ask(heartbeat("group", "member", 1))->error_code == ErrorCode::none; }))
      << "who is in a group stays";
  EXPECT_EQ(client.ask(heartbeat("group", "member", 0))->error_code, ErrorCode::none) << "and may come back";
  for (const auto* group : {"group", "another"}) {
    auto refused = client.ask(heartbeat(group, "newcomer", 0));
    EXPECT_EQ(refused->error_code, ErrorCode::unsupported_version) << group;
    EXPECT_THAT(std::string(refused->error_message.value_or("")), testing::HasSubstr("while broker 9 is Apache Kafka"));
  }
}

TEST(ConsumerGroupCalls, AreRefusedWhereTheProtocolIsNotOffered) {
  auto pairs = several_partitions;
  pairs.emplace_back("group.coordinator.rebalance.protocols", "classic");
  BrokerUnderTest broker(pairs);
  Client client(broker.port());
  make_offsets_topic(client);
  ASSERT_TRUE(eventually(
      [&] { return client.ask(heartbeat("group", "member", 0))->error_code == ErrorCode::unsupported_version; }));
  protocol::ConsumerGroupDescribeRequest request;
  request.group_ids.emplace_back("group");
  EXPECT_EQ(client.ask(request)->groups.at(0).error_code, ErrorCode::unsupported_version);
}

}  // namespace
}  // namespace millrace::server

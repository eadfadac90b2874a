// Requests that name very many things: others are answered while they are worked on, and who asks for a large answer pays for it.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/protocol/messages/create_partitions.h"
#include "broker/protocol/messages/delete_topics.h"
#include "broker/protocol/messages/describe_configs.h"
#include "broker/protocol/messages/metadata.h"
#include "broker/protocol/messages/offset_for_leader_epoch.h"
#include "test/broker/server/broker_under_test.h"

namespace millrace::server {
namespace {

std::vector<std::string> numbered_names(int count) {
  std::vector<std::string> names;
  for (int number = 0; number < count; ++number) names.push_back("name-" + std::to_string(number));
  return names;
}

// Requests are views of their names.
protocol::MetadataRequest metadata_of(std::vector<std::string>&&) = delete;
protocol::MetadataRequest metadata_of(const std::vector<std::string>& names) {
  protocol::MetadataRequest request;
  request.allow_auto_topic_creation = false;
  for (const auto& name : names) request.topics->emplace_back().name = name;
  return request;
}

protocol::DescribeConfigsRequest configs_of(std::string_view topic, int times) {
  protocol::DescribeConfigsRequest request;
  for (int i = 0; i < times; ++i) {
    auto& resource = request.resources.emplace_back();
    resource.resource_type = protocol::ConfigResourceType::topic;
    resource.resource_name = topic;
    resource.configuration_keys = std::nullopt;
  }
  return request;
}

protocol::CreateTopicsRequest validation_of(const std::vector<std::string>& names) {
  protocol::CreateTopicsRequest request;
  request.validate_only = true;
  for (const auto& name : names) request.topics.push_back({name, 1, 1, {}, {}});
  return request;
}

// How often a request lets others have their turn before it is answered, by a broker whose slices are used up at once.
template <class Request>
int turns_for_others(const Request& request) {
  BrokerUnderTest broker({{"millrace.request.slice.us", "0"}}, 1);
  Client client(broker);
  create_topic(client, "topic");
  const std::string put_aside = "millrace_shard_put_aside_total{shard=\"0\"}";
  const int before = broker.counted(put_aside);
  EXPECT_EQ(before, 1);  // the topic that was created
  client.ask(request);
  return broker.counted(put_aside) - before;
}

constexpr int many = 2'000;

TEST(LargeRequests, LeaveTheirShardToOthersWhileTopicsAreDescribed) {
  const auto names = numbered_names(many);
  EXPECT_EQ(turns_for_others(metadata_of(names)), many);
}

TEST(LargeRequests, LeaveTheirShardToOthersWhileConfigurationsAreDescribed) {
  EXPECT_EQ(turns_for_others(configs_of("topic", many)), many);
}

TEST(LargeRequests, LeaveTheirShardToOthersWhileTopicsAreChecked) {
  const auto names = numbered_names(many);
  EXPECT_EQ(turns_for_others(validation_of(names)), many);
}

TEST(LargeRequests, LeaveTheirShardToOthersWhileTopicsAreGrownThatAreNotThere) {
  const auto names = numbered_names(many);
  protocol::CreatePartitionsRequest request;
  for (const auto& name : names) {
    auto& topic = request.topics.emplace_back();
    topic.name = name;
    topic.count = 2;
  }
  EXPECT_EQ(turns_for_others(request), many);
}

TEST(LargeRequests, LeaveTheirShardToOthersWhileTopicsAreDeletedThatAreNotThere) {
  const auto names = numbered_names(many);
  protocol::DeleteTopicsRequest request;
  for (const auto& name : names) request.topics.push_back({name, {}});
  EXPECT_EQ(turns_for_others(request), many);
}

// Enough names that they are sorted on a worker, and bytes that the request is decoded on one.
TEST(LargeRequests, AreAnsweredInTheOrderInWhichTopicsAreNamedFirst) {
  BrokerUnderTest broker;
  Client client(broker);
  create_topic(client, "name-1999");
  const auto names = numbered_names(6'000);
  protocol::MetadataRequest request;
  request.allow_auto_topic_creation = false;
  for (std::size_t round = 0; round < 2; ++round) {
    for (std::size_t at = 0; at < names.size(); ++at)
      request.topics->emplace_back().name = names[(at * 7 + round * 13) % names.size()];
  }
  auto answer = client.ask(request);
  ASSERT_EQ(answer->topics.size(), names.size());
  for (std::size_t at = 0; at < names.size(); ++at) {
    const auto& expected = names[at * 7 % names.size()];
    ASSERT_EQ(answer->topics[at].name, expected) << at;
    ASSERT_EQ(answer->topics[at].error_code,
              expected == "name-1999" ? ErrorCode::none : ErrorCode::unknown_topic_or_partition);
  }
}

// The request fits, its answer does not.
struct LargeAnswers : testing::Test {
  BrokerUnderTest broker{{{"millrace.request.memory.bytes", "16000000"}, {"socket.request.max.bytes", "8000000"}}};

  template <class Request>
  void expect_refused(const Request& request) {
    Client client(broker);
    client.send(request);
    EXPECT_TRUE(client.raw().is_closed_by_peer());
    EXPECT_EQ(broker.counted("millrace_request_arrays_refused_total"), 1);
    Client after(broker);
    const std::vector<std::string> absent{"absent"};
    EXPECT_EQ(after.ask(metadata_of(absent))->topics.size(), 1);
  }
};

TEST_F(LargeAnswers, OfMetadataArePaidFor) {
  const auto names = numbered_names(150'000);
  expect_refused(metadata_of(names));
}

TEST_F(LargeAnswers, OfConfigurationsArePaidFor) {
  Client client(broker);
  create_topic(client, "topic");
  expect_refused(configs_of("topic", 10'000));
}

TEST_F(LargeAnswers, OfTopicsThatAreToBeCreatedArePaidFor) {
  const auto names = numbered_names(40'000);
  expect_refused(validation_of(names));
}

TEST_F(LargeAnswers, OfLeaderEpochsArePaidFor) {
  protocol::OffsetForLeaderEpochRequest request;
  auto& topic = request.topics.emplace_back();
  topic.topic = "topic";
  for (int number = 0; number < 500'000; ++number) topic.partitions.emplace_back().partition = PartitionIndex(number);
  expect_refused(request);
}

}  // namespace
}  // namespace millrace::server

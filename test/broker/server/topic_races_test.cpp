#include <gtest/gtest.h>

#include <deque>
#include <set>
#include <string>
#include <vector>

#include "test/broker/server/broker_under_test.h"

namespace millrace::server {
namespace {

using protocol::CreateTopicsResponse;
using protocol::DeleteTopicsResponse;
using protocol::MetadataRequest;
using protocol::MetadataResponse;

constexpr int clients = 8;
constexpr int rounds = 5;

MetadataRequest asking_for(std::string_view name) {
  MetadataRequest request;
  request.topics->push_back({{}, name});
  return request;
}

std::deque<Client> connect(const BrokerUnderTest& broker) {
  std::deque<Client> connected;
  for (int number = 0; number < clients; ++number) connected.emplace_back(broker);
  return connected;
}

TEST(TopicRaces, OfManyThatCreateATopicAtOnceOneDoes) {
  BrokerUnderTest broker;
  auto connected = connect(broker);
  for (int round = 0; round < rounds; ++round) {
    const auto name = "topic-" + std::to_string(round);
    std::vector<std::int32_t> asked;
    for (auto& client : connected) asked.push_back(client.send(creation(name, 2)));
    int created = 0;
    for (int number = 0; number < clients; ++number) {
      auto answer = connected[static_cast<std::size_t>(number)].receive<CreateTopicsResponse>(
          asked[static_cast<std::size_t>(number)]);
      ASSERT_TRUE(answer.has_value());
      const auto& topic = (*answer)->topics.at(0);
      created += topic.error_code == ErrorCode::none ? 1 : 0;
      if (topic.error_code == ErrorCode::none) continue;
      EXPECT_EQ(topic.error_code, ErrorCode::topic_already_exists);
      EXPECT_EQ(topic.error_message, "Topic '" + name + "' already exists.");
    }
    EXPECT_EQ(created, 1);
    EXPECT_EQ(produce(connected[0], name, "value", 1), ErrorCode::none) << "answered before it is served";
  }
}

TEST(TopicRaces, ManyThatUseATopicFirstGetTheSame) {
  BrokerUnderTest broker({{"num.partitions", "3"}});
  auto connected = connect(broker);
  for (int round = 0; round < rounds; ++round) {
    const auto name = "topic-" + std::to_string(round);
    std::vector<std::int32_t> asked;
    for (auto& client : connected) asked.push_back(client.send(asking_for(name)));
    std::set<TopicId> seen;
    for (int number = 0; number < clients; ++number) {
      auto& client = connected[static_cast<std::size_t>(number)];
      auto answer = client.receive<MetadataResponse>(asked[static_cast<std::size_t>(number)]);
      // One that comes while another creates it, or whose disk takes long, may be told to ask again, as by Kafka.
      const bool is_there = eventually([&] {
        if (!answer || (*answer)->topics.at(0).error_code != ErrorCode::leader_not_available) return true;
        answer = client.receive<MetadataResponse>(client.send(asking_for(name)));
        return false;
      });
      ASSERT_TRUE(is_there);
      ASSERT_TRUE(answer.has_value());
      const auto& topic = (*answer)->topics.at(0);
      EXPECT_EQ(topic.error_code, ErrorCode::none);
      EXPECT_EQ(topic.partitions.size(), 3);
      seen.insert(topic.topic_id);
    }
    EXPECT_EQ(seen.size(), 1) << "one name with two ids";
  }
}

TEST(TopicRaces, CreationsAndDeletionsOfOneNameLeaveOneOfBoth) {
  BrokerUnderTest broker;
  auto connected = connect(broker);
  for (int round = 0; round < 2 * rounds; ++round) {
    std::vector<std::int32_t> asked;
    for (int number = 0; number < clients; ++number) {
      auto& client = connected[static_cast<std::size_t>(number)];
      asked.push_back(number % 2 == 0 ? client.send(creation("topic", 2)) : client.send(deletion("topic")));
    }
    for (int number = 0; number < clients; ++number) {
      auto& client = connected[static_cast<std::size_t>(number)];
      const auto correlation = asked[static_cast<std::size_t>(number)];
      ErrorCode code{};
      if (number % 2 == 0) {
        auto answer = client.receive<CreateTopicsResponse>(correlation);
        ASSERT_TRUE(answer.has_value());
        code = (*answer)->topics.at(0).error_code;
        EXPECT_TRUE(code == ErrorCode::none || code == ErrorCode::topic_already_exists) << to_string(code);
      } else {
        auto answer = client.receive<DeleteTopicsResponse>(correlation);
        ASSERT_TRUE(answer.has_value());
        code = (*answer)->responses.at(0).error_code;
        EXPECT_TRUE(code == ErrorCode::none || code == ErrorCode::unknown_topic_or_partition) << to_string(code);
      }
    }
    auto request = asking_for("topic");
    request.allow_auto_topic_creation = false;
    auto shown = connected[0].ask(request);
    const auto& topic = shown->topics.at(0);
    if (topic.error_code == ErrorCode::none) {
      EXPECT_TRUE(eventually([&] { return produce(connected[0], "topic", "value") == ErrorCode::none; }));
      EXPECT_EQ(connected[0].ask(deletion("topic"))->responses.at(0).error_code, ErrorCode::none);
    } else {
      EXPECT_EQ(topic.error_code, ErrorCode::unknown_topic_or_partition);
    }
    EXPECT_EQ(connected[0].ask(creation("topic"))->topics.at(0).error_code, ErrorCode::none);
    EXPECT_EQ(produce(connected[0], "topic", "value"), ErrorCode::none);
    EXPECT_EQ(connected[0].ask(deletion("topic"))->responses.at(0).error_code, ErrorCode::none);
  }
}

TEST(TopicRaces, ATopicIsEmptyAfterItsNameWasUsedBefore) {
  BrokerUnderTest broker;
  Client client(broker);
  for (int round = 0; round < rounds; ++round) {
    const auto topic = create_topic(client, "topic", 3);
    auto produced = client.ask(produce_request("topic", batch("value"), {0, 1, 2}));
    for (const auto& partition : produced->responses.at(0).partition_responses) {
      EXPECT_EQ(partition.error_code, ErrorCode::none);
      EXPECT_EQ(partition.base_offset, Offset(0)) << "records of the earlier topic are still there";
    }
    auto fetched = client.ask(fetch_request(topic, {0, 1, 2}, 0));
    for (const auto& partition : fetched->responses.at(0).partitions) EXPECT_EQ(partition.high_watermark, Offset(1));
    EXPECT_EQ(client.ask(deletion("topic"))->responses.at(0).error_code, ErrorCode::none);
  }
}

}  // namespace
}  // namespace millrace::server

#include <gtest/gtest.h>

#include <future>
#include <string>

#include "broker/protocol/legacy_message.h"
#include "test/broker/server/broker_under_test.h"

namespace millrace::server {
namespace {

using protocol::FetchResponse;
using protocol::MetadataRequest;

constexpr std::int32_t very_long_ms = 3'600'000;

// A fetch that the client sent before waits by now, on every shard. Messages between two shards keep their order: the first
// request reaches the partitions and returns behind the fetch's reading, the second reaches them behind its waiting.
void settle(BrokerUnderTest& broker, Client& client) {
  for (int round = 0; round < 2; ++round) {
    protocol::ListOffsetsRequest request;
    request.replica_id = BrokerId(-1);
    auto& topic = request.topics.emplace_back();
    topic.name = "topic";
    for (std::int32_t partition = 0; partition < 6; ++partition) {
      auto& wanted = topic.partitions.emplace_back();
      wanted.partition_index = PartitionIndex(partition);
      wanted.timestamp = protocol::offset_spec::latest;
    }
    const auto before = broker.answered("ListOffsets");
    client.send(request, 5);
    ASSERT_TRUE(eventually([&] { return broker.answered("ListOffsets") == before + 1; }));
  }
}

TEST(Fetch, WakesWhenEnoughHasComeToPartitionsOfSeveralShardsTogether) {
  BrokerUnderTest broker;
  Client consumer(broker);
  Client producer(broker);
  const auto topic = create_topic(producer, "topic", 6);
  const auto one = static_cast<std::int32_t>(batch(std::string(100, 'x')).size());
  const auto fetch = consumer.send(fetch_request(topic, {0, 1, 2, 3, 4, 5}, very_long_ms, 6 * one));
  settle(broker, consumer);
  for (int partition = 0; partition < 6; ++partition) {
    EXPECT_FALSE(consumer.raw().readable(std::chrono::milliseconds(0))) << "before partition " << partition;
    ASSERT_EQ(produce(producer, "topic", std::string(100, 'x'), partition), ErrorCode::none);
  }
  auto answer = consumer.receive<FetchResponse>(fetch);
  ASSERT_TRUE(answer.has_value());
  for (const auto& partition : (*answer)->responses.at(0).partitions) {
    EXPECT_EQ(partition.records.size_bytes(), static_cast<std::uint64_t>(one));
    EXPECT_EQ(partition.high_watermark, Offset(1));
  }
}

TEST(Fetch, CountsWhatComesWhileItIsAboutToWait) {
  BrokerUnderTest broker;
  Client consumer(broker);
  Client producer(broker);
  const auto one = static_cast<std::int32_t>(batch(std::string(100, 'x')).size());
  for (int round = 0; round < 30; ++round) {
    const auto name = "topic" + std::to_string(round);
    const auto topic = create_topic(producer, name, 3);
    const auto fetch = consumer.send(fetch_request(topic, {0, 1, 2}, very_long_ms, 3 * one));
    for (int partition = 0; partition < 3; ++partition)
      ASSERT_EQ(produce(producer, name, std::string(100, 'x'), partition), ErrorCode::none);
    auto answer = consumer.receive<FetchResponse>(fetch);
    ASSERT_TRUE(answer.has_value());
    for (const auto& partition : (*answer)->responses.at(0).partitions)
      ASSERT_EQ(partition.records.size_bytes(), static_cast<std::uint64_t>(one)) << "round " << round;
  }
}

TEST(Fetch, AnswersWithWhatThereIsWhenItsTimeIsOver) {
  BrokerUnderTest broker;
  Client client(broker);
  const auto topic = create_topic(client, "topic", 2);
  ASSERT_EQ(produce(client, "topic", "value", 1), ErrorCode::none);
  auto answer = client.ask(fetch_request(topic, {0, 1}, 20, 1 << 20));
  const auto& partitions = answer->responses.at(0).partitions;
  EXPECT_EQ(partitions.at(0).records.size_bytes(), 0);
  EXPECT_GT(partitions.at(1).records.size_bytes(), 0);
  EXPECT_EQ(partitions.at(0).error_code, ErrorCode::none);
}

TEST(Fetch, WakesWhenATopicThatItWaitsForIsDeleted) {
  BrokerUnderTest broker;
  Client consumer(broker);
  Client admin(broker);
  const auto topic = create_topic(admin, "topic", 3);
  const auto fetch = consumer.send(fetch_request(topic, {0, 1, 2}, very_long_ms));
  settle(broker, consumer);
  EXPECT_EQ(admin.ask(deletion("topic"))->responses.at(0).error_code, ErrorCode::none);
  auto answer = consumer.receive<FetchResponse>(fetch);
  ASSERT_TRUE(answer.has_value());
  bool told = false;
  for (const auto& partition : (*answer)->responses.at(0).partitions) told |= partition.error_code != ErrorCode::none;
  EXPECT_TRUE(told) << "the client does not learn why it was woken";
  for (int round = 0; round < 2; ++round) ASSERT_TRUE(consumer.raw().receive_frame().has_value());  // settle's
  auto again = consumer.ask(fetch_request(topic, {0}, very_long_ms));
  EXPECT_EQ(again->responses.at(0).partitions.at(0).error_code, ErrorCode::unknown_topic_id);
}

TEST(Fetch, EndsWithItsConnectionInsteadOfWaitingForNobody) {
  BrokerUnderTest broker;
  Client admin(broker);
  const auto topic = create_topic(admin, "topic", 3);
  for (int number = 1; number <= 3; ++number) {
    Client consumer(broker);
    consumer.send(fetch_request(topic, {0, 1, 2}, very_long_ms));
    // The second is closed at once, while the broker may still be reading for it.
    if (number != 2) settle(broker, consumer);
    consumer.raw().close();
    ASSERT_TRUE(eventually([&] { return broker.answered("Fetch") >= number || number == 2; }));
  }
  ASSERT_EQ(produce(admin, "topic", "nobody is left to hear it"), ErrorCode::none);
}

TEST(Fetch, IsAnsweredWhenTheBrokerStopsInsteadOfHoldingTheStopUp) {
  BrokerUnderTest broker;
  Client consumer(broker);
  Client admin(broker);
  const auto topic = create_topic(admin, "topic", 3);
  const auto fetch = consumer.send(fetch_request(topic, {0, 1, 2}, very_long_ms));
  settle(broker, consumer);
  auto stopped = std::async(std::launch::async, [&] { return (*broker).stop(); });
  EXPECT_EQ(stopped.wait_for(std::chrono::seconds(20)), std::future_status::ready) << "the stop waits for the fetch";
  EXPECT_TRUE(stopped.get().has_value());
  auto answer = consumer.receive<FetchResponse>(fetch);
  ASSERT_TRUE(answer.has_value()) << "cut off without an answer";
  EXPECT_EQ((*answer)->responses.at(0).partitions.size(), 3);
}

TEST(Fetch, OneRequestReadsPartitionsOfEveryShardAndKeepsTheirOrder) {
  BrokerUnderTest broker;
  Client client(broker);
  const auto topic = create_topic(client, "topic", 8);
  const auto records = batch("value");
  auto produced = client.ask(produce_request("topic", records, {7, 6, 5, 4, 3, 2, 1, 0}));
  const auto& stored = produced->responses.at(0).partition_responses;
  ASSERT_EQ(stored.size(), 8);
  for (int number = 0; number < 8; ++number) {
    EXPECT_EQ(stored[static_cast<std::size_t>(number)].index, PartitionIndex(7 - number));
    EXPECT_EQ(stored[static_cast<std::size_t>(number)].base_offset, Offset(0));
  }
  auto fetched = client.ask(fetch_request(topic, {3, 0, 7, 5, 1}, 0));
  const int order[] = {3, 0, 7, 5, 1};
  for (std::size_t number = 0; number < std::size(order); ++number) {
    const auto& partition = fetched->responses.at(0).partitions.at(number);
    EXPECT_EQ(partition.partition_index, PartitionIndex(order[number]));
    EXPECT_EQ(partition.records.size_bytes(), records.size());
  }
}

TEST(Fetch, OfAnOldVersionGetsTheMessagesOfItsTime) {
  BrokerUnderTest broker;
  Client client(broker);
  create_topic(client, "topic");
  ASSERT_EQ(produce(client, "topic", "value"), ErrorCode::none);
  for (Version version : {0, 1, 2, 3}) {
    auto request = fetch_request({}, {0}, 0);
    request.topics[0].topic = "topic";
    auto answer = client.ask(request, version);
    const auto& partition = answer->responses.at(0).partitions.at(0);
    EXPECT_EQ(partition.error_code, ErrorCode::none);
    auto message = protocol::parse_legacy_message(partition.records.bytes());
    ASSERT_TRUE(message) << message.error().message;
    EXPECT_EQ(message->magic, version < 2 ? 0 : 1);
    EXPECT_TRUE(protocol::check_legacy_crc(*message));
    EXPECT_EQ(as_text(message->value.value()), "value");
  }
}

TEST(Fetch, OfAnOldVersionIsRefusedWhereTheTopicIsNotToBeConverted) {
  BrokerUnderTest broker;
  Client client(broker);
  auto topic = creation("topic");
  topic.topics[0].configs.push_back({"message.downconversion.enable", "false"});
  client.ask(topic);
  auto request = fetch_request({}, {0}, 0);
  request.topics[0].topic = "topic";
  EXPECT_EQ(client.ask(request, 3)->responses.at(0).partitions.at(0).error_code, ErrorCode::unsupported_version);
  EXPECT_EQ(client.ask(request, 4)->responses.at(0).partitions.at(0).error_code, ErrorCode::none);
}

TEST(Fetch, ThatCannotBeConvertedWithinItsMemoryIsToldSo) {
  BrokerUnderTest broker({{"millrace.conversion.memory.bytes", "1048576"}});
  Client client(broker);
  create_topic(client, "topic");
  ASSERT_EQ(produce(client, "topic", std::string(900'000, 'x')), ErrorCode::none);
  auto request = fetch_request({}, {0}, 0);
  request.topics[0].topic = "topic";
  // Read and converted the batch would be there twice.
  EXPECT_EQ(client.ask(request, 3)->responses.at(0).partitions.at(0).error_code, ErrorCode::message_too_large);
  EXPECT_EQ(client.ask(request, 4)->responses.at(0).partitions.at(0).error_code, ErrorCode::none);
}

TEST(Fetch, OfMoreThanCanBeConvertedAtOnceGetsAPartOfIt) {
  BrokerUnderTest broker({{"millrace.conversion.memory.bytes", "1048576"}});
  Client client(broker);
  create_topic(client, "topic");
  for (int number = 0; number < 10; ++number)
    ASSERT_EQ(produce(client, "topic", std::string(100'000, 'x')), ErrorCode::none);
  auto request = fetch_request({}, {0}, 0);
  request.topics[0].topic = "topic";
  auto answer = client.ask(request, 3);
  const auto& partition = answer->responses.at(0).partitions.at(0);
  EXPECT_EQ(partition.error_code, ErrorCode::none);
  EXPECT_GT(partition.records.size_bytes(), 200'000U);
  EXPECT_LT(partition.records.size_bytes(), 300'000U);
}

TEST(Fetch, KeepsASessionForAClientThatComesBackOnAnotherConnection) {
  BrokerUnderTest broker;
  Client client(broker);
  const auto topic = create_topic(client, "topic", 3);
  ASSERT_EQ(produce(client, "topic", "value", 1), ErrorCode::none);
  auto request = fetch_request(topic, {0, 1, 2}, 0);
  request.session_epoch = 0;
  auto first = client.ask(request);
  ASSERT_GT(first->session_id, 0);
  EXPECT_EQ(first->responses.at(0).partitions.size(), 3U);

  request.session_id = first->session_id;
  request.topics[0].partitions = {request.topics[0].partitions[1]};
  request.topics[0].partitions[0].fetch_offset = Offset(1);
  for (request.session_epoch = 1; request.session_epoch < 10; ++request.session_epoch) {
    Client other(broker);
    auto answer = other.ask(request);
    EXPECT_EQ(answer->error_code, ErrorCode::none);
    EXPECT_EQ(answer->session_id, first->session_id);
    EXPECT_TRUE(answer->responses.empty());
    request.topics.clear();
  }
  ASSERT_EQ(produce(client, "topic", "value", 2), ErrorCode::none);
  auto news = client.ask(request);
  ASSERT_EQ(news->responses.size(), 1U);
  ASSERT_EQ(news->responses[0].partitions.size(), 1U);
  EXPECT_EQ(news->responses[0].partitions[0].partition_index, PartitionIndex(2));
  EXPECT_EQ(news->responses[0].topic_id, topic);
}

TEST(Fetch, WithinASessionWaitsForRecordsOfPartitionsThatItDoesNotName) {
  BrokerUnderTest broker;
  Client client(broker);
  Client producer(broker);
  const auto topic = create_topic(client, "topic", 3);
  auto request = fetch_request(topic, {0, 1, 2}, 0);
  request.session_epoch = 0;
  request.session_id = client.ask(request)->session_id;
  request.session_epoch = 1;
  request.topics.clear();
  request.max_wait_ms = very_long_ms;
  const auto fetch = client.send(request);
  settle(broker, client);
  ASSERT_EQ(produce(producer, "topic", "value", 2), ErrorCode::none);
  auto answer = client.receive<FetchResponse>(fetch);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ((*answer)->responses.at(0).partitions.at(0).partition_index, PartitionIndex(2));
}

// Two batches in every partition; limits in batches.
class FetchLimits : public ::testing::Test {
 protected:
  FetchLimits() {
    for (int round = 0; round < 2; ++round) {
      auto produced = client_.ask(produce_request("topic", records_, {0, 1, 2, 3}));
      for (const auto& partition : produced->responses.at(0).partition_responses)
        EXPECT_EQ(partition.error_code, ErrorCode::none);
    }
  }

  // What each partition got, in bytes.
  std::vector<std::uint64_t> fetch(std::int32_t max_bytes, std::int32_t partition_max_bytes, Version version = 17) {
    auto request = fetch_request(topic_, {0, 1, 2, 3}, 0);
    request.topics[0].topic = "topic";
    request.max_bytes = max_bytes;
    for (auto& partition : request.topics[0].partitions) partition.partition_max_bytes = partition_max_bytes;
    auto answer = client_.ask(request, version);
    std::vector<std::uint64_t> bytes;
    for (const auto& partition : answer->responses.at(0).partitions) bytes.push_back(partition.records.size_bytes());
    return bytes;
  }

  const std::vector<std::uint8_t> records_ = batch(std::string(1000, 'x'));
  const std::int32_t one_ = static_cast<std::int32_t>(records_.size());
  const std::uint64_t whole_ = records_.size();
  BrokerUnderTest broker_;
  Client client_{broker_};
  const TopicId topic_ = create_topic(client_, "topic", 4);
};

TEST_F(FetchLimits, AreSharedOutInTheOrderOfTheRequest) {
  using Bytes = std::vector<std::uint64_t>;
  EXPECT_EQ(fetch(100 * one_, 100 * one_), (Bytes{2 * whole_, 2 * whole_, 2 * whole_, 2 * whole_}));
  EXPECT_EQ(fetch(100 * one_, one_), (Bytes{whole_, whole_, whole_, whole_}));
  EXPECT_EQ(fetch(3 * one_, one_), (Bytes{whole_, whole_, whole_, 0}));
}

TEST_F(FetchLimits, OnlyTheFirstAnswerThatHasAnythingMayExceedThem) {
  using Bytes = std::vector<std::uint64_t>;
  for (Version version : {4, 12, 17}) {
    EXPECT_EQ(fetch(100 * one_, 10, version), (Bytes{whole_, 0, 0, 0})) << "version " << version;
    EXPECT_EQ(fetch(10, 100 * one_, version), (Bytes{whole_, 0, 0, 0})) << "version " << version;
    EXPECT_EQ(fetch(0, 0, version), (Bytes{whole_, 0, 0, 0})) << "version " << version;
  }
}

}  // namespace
}  // namespace millrace::server

#include <gtest/gtest.h>

#include "test/broker/server/broker_under_test.h"

namespace millrace::server {
namespace {

using protocol::ApiVersionsRequest;
using protocol::ApiVersionsResponse;
using protocol::FetchResponse;
using protocol::MetadataRequest;
using protocol::MetadataResponse;
using protocol::ProduceResponse;

constexpr std::int32_t very_long_ms = 3'600'000;

// Header only: the rest of the request is never read.
std::string bare_request(std::int16_t key, std::int16_t version, std::int32_t correlation) {
  std::string frame(10, '\0');
  auto* at = reinterpret_cast<std::uint8_t*>(frame.data());
  store_big_endian(at, key);
  store_big_endian(at + 2, version);
  store_big_endian(at + 4, correlation);
  store_big_endian(at + 8, std::int16_t{-1});
  return frame;
}

TEST(RequestDispatcher, AnswersLeaveInTheOrderOfTheRequestsThoughALaterOneIsReadyFirst) {
  BrokerUnderTest broker;
  Client consumer(broker);
  Client producer(broker);
  const auto topic = create_topic(producer, "topic");
  const auto fetch = consumer.send(fetch_request(topic, {0}, very_long_ms));
  const auto versions = consumer.send(ApiVersionsRequest{{}, {}}, 0);
  const auto metadata = consumer.send(MetadataRequest{});
  // Both are answered inside the broker, and wait for the fetch there.
  ASSERT_TRUE(eventually([&] { return broker.answered("Metadata") == 1; }));
  EXPECT_FALSE(consumer.raw().readable(std::chrono::milliseconds(0)));
  ASSERT_EQ(produce(producer, "topic", "news"), ErrorCode::none);
  auto records = consumer.receive<FetchResponse>(fetch);
  ASSERT_TRUE(records.has_value());
  EXPECT_GT((*records)->responses.at(0).partitions.at(0).records.size_bytes(), 0);
  EXPECT_TRUE(consumer.receive<ApiVersionsResponse>(versions, 0).has_value());
  EXPECT_TRUE(consumer.receive<MetadataResponse>(metadata).has_value());
}

TEST(RequestDispatcher, ARequestThatNobodyServesClosesOnlyAfterTheEarlierAnswers) {
  BrokerUnderTest broker;
  struct {
    std::int16_t key;
    std::int16_t version;
  } const unserved[] = {{3, 13}, {3, -1}, {1000, 0}, {-1, 0}, {4, 0}};
  for (const auto& request : unserved) {
    Client client(broker);
    const auto before = client.send(MetadataRequest{});
    client.raw().send_frame(bare_request(request.key, request.version, 99));
    client.send(MetadataRequest{});
    EXPECT_TRUE(client.receive<MetadataResponse>(before).has_value()) << request.key;
    EXPECT_FALSE(client.raw().receive_frame().has_value()) << request.key << " version " << request.version;
  }
  EXPECT_EQ(broker.counted("millrace_requests_refused_total"), std::size(unserved));
}

TEST(RequestDispatcher, ApiVersionsAboveAllIsAnsweredInVersion0WithWhatThereIs) {
  BrokerUnderTest broker;
  Client client(broker);
  const std::string no_tags(1, '\0');
  ASSERT_TRUE(client.raw().send_frame(bare_request(18, 77, 5) + no_tags));
  auto answer = client.receive<ApiVersionsResponse>(5, 0);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ((*answer)->error_code, ErrorCode::unsupported_version);
  ASSERT_EQ((*answer)->api_keys.size(), 1);
  EXPECT_EQ((*answer)->api_keys[0].api_key, protocol::ApiKey::api_versions);
  // The client goes on with a version that is served, on the same connection.
  EXPECT_EQ(client.ask(ApiVersionsRequest{"a", "1"}, 3)->error_code, ErrorCode::none);
}

TEST(RequestDispatcher, ABodyThatEndsTooEarlyCloses) {
  BrokerUnderTest broker;
  Client client(broker);
  ASSERT_TRUE(client.raw().send_frame(bare_request(3, 1, 1) + std::string("\0\0\0\2\0", 5)));
  EXPECT_TRUE(client.raw().is_closed_by_peer());
  EXPECT_EQ(broker.counted("millrace_requests_refused_total"), 1);
  Client after(broker);
  EXPECT_EQ(after.ask(MetadataRequest{})->brokers.size(), 1);
}

TEST(RequestDispatcher, ArraysThatTakeTooMuchMemoryCloseAndAreCounted) {
  BrokerUnderTest broker({{"millrace.request.arrays.max.bytes", "100000"}});
  // Empty names: two bytes each on the wire, a structure each in memory.
  constexpr std::size_t names = 10'000;
  Client client(broker);
  ASSERT_TRUE(
      client.raw().send_frame(bare_request(3, 1, 1) + std::string("\0\0\x27\x10", 4) + std::string(2 * names, '\0')));
  EXPECT_TRUE(client.raw().is_closed_by_peer());
  EXPECT_EQ(broker.counted("millrace_request_arrays_refused_total"), 1);
  Client after(broker);
  EXPECT_EQ(after.ask(MetadataRequest{})->brokers.size(), 1);
}

TEST(RequestDispatcher, ProduceWithoutAnAnswerDoesNotDisturbTheOrder) {
  BrokerUnderTest broker;
  Client client(broker);
  create_topic(client, "topic", 4);
  const auto records = batch("value");
  client.send(produce_request("topic", records, {0, 1, 2, 3}, 0));
  const auto first = client.send(produce_request("topic", records, {0}, 1));
  client.send(produce_request("topic", records, {0}, 0));
  const auto second = client.send(produce_request("topic", records, {0}, -1));
  for (auto [correlation, offset] : {std::pair(first, 1), std::pair(second, 3)}) {
    auto answer = client.receive<ProduceResponse>(correlation);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ((*answer)->responses.at(0).partition_responses.at(0).base_offset, Offset(offset));
  }
  client.send(produce_request("nowhere", records, {0}, 0));
  EXPECT_TRUE(client.raw().is_closed_by_peer()) << "only closing can tell that it failed";
}

}  // namespace
}  // namespace millrace::server

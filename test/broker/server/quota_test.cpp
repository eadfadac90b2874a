// Client quotas from the outside: set by AlterClientQuotas, felt by the clients.
#include <chrono>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "broker/server/quota_configuration.h"
#include "test/broker/server/broker_under_test.h"

namespace millrace::server {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Of all clients named "test", as these are.
void set_quota(Client& client, std::string_view key, double value) {
  protocol::AlterClientQuotasRequest request;
  auto& entry = request.entries.emplace_back();
  entry.entity.push_back({"client-id", "test"});
  entry.ops.push_back({key, value, false});
  auto answer = client.ask(request);
  ASSERT_EQ(answer->entries.at(0).error_code, ErrorCode::none) << answer->entries.at(0).error_message.value_or("");
}

std::chrono::milliseconds waited(Clock::time_point since) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - since);
}

TEST(ClientQuota, OfProduceIsAnsweredAtOnceWithTheTimeToWaitAndTheConnectionIsMutedForIt) {
  BrokerUnderTest broker;
  Client client(broker);
  create_topic(client, "t");
  set_quota(client, "producer_byte_rate", 10'000);
  const auto records = batch(std::string(110'000, 'x'));
  const auto start = Clock::now();
  auto answer = client.ask(produce_request("t", records));
  EXPECT_EQ(answer->responses.at(0).partition_responses.at(0).error_code, ErrorCode::none);
  EXPECT_LT(waited(start), std::chrono::milliseconds(answer->throttle_time_ms));
  // About 10,000 bytes too many.
  EXPECT_GE(answer->throttle_time_ms, 1000);
  EXPECT_LE(answer->throttle_time_ms, 1060);
  client.ask(protocol::MetadataRequest{});
  EXPECT_GE(waited(start), std::chrono::milliseconds(answer->throttle_time_ms));
  EXPECT_EQ(broker.counted("millrace_quota_throttled_requests_total{quota=\"produce\"}"), 1);

  // Without an answer too.
  const auto second = Clock::now();
  client.send(produce_request("t", batch(std::string(5000, 'x')), {0}, 0));
  ASSERT_TRUE(eventually([&] { return broker.answered("Produce") == 2; }));
  client.ask(protocol::MetadataRequest{});
  EXPECT_GE(waited(second), 400ms);
}

TEST(ClientQuota, HoldsForAllConnectionsOfAClientOnAllShards) {
  BrokerUnderTest broker;
  Client first(broker);
  create_topic(first, "t", 6);
  set_quota(first, "producer_byte_rate", 10'000);
  int throttled = 0;
  for (int i = 0; i < 6; ++i) {
    Client client(broker);
    throttled += client.ask(produce_request("t", batch(std::string(30'000, 'x')), {i}))->throttle_time_ms > 0 ? 1 : 0;
  }
  EXPECT_EQ(throttled, 3);  // 100,000 bytes are free
}

TEST(ClientQuota, OfFetchAnswersNothingUntilTheTimeIsOver) {
  BrokerUnderTest broker;
  Client client(broker);
  const auto topic = create_topic(client, "t");
  for (int i = 0; i < 15; ++i) ASSERT_EQ(produce(client, "t", std::string(5000, 'x')), ErrorCode::none);
  set_quota(client, "consumer_byte_rate", 5000);  // 50,000 in a window
  auto request = fetch_request(topic, {0}, 100);
  auto answer = client.ask(request);
  // What a window allows is read, and what is around it is a little too much, for a moment.
  for (int i = 0; i < 10 && answer->throttle_time_ms > 0; ++i) {
    EXPECT_LE(answer->throttle_time_ms, 100);
    answer = client.ask(request);
  }
  ASSERT_EQ(answer->responses.size(), 1u);
  const auto& found = answer->responses.at(0).partitions.at(0).records;
  EXPECT_GT(found.size_bytes(), 0u);
  EXPECT_LE(found.size_bytes(), 50'000u);

  const auto start = Clock::now();
  request.topics.at(0).partitions.at(0).partition_max_bytes = 5000;
  answer = client.ask(request);
  EXPECT_GT(answer->throttle_time_ms, 0);
  EXPECT_TRUE(answer->responses.empty());
  EXPECT_EQ(answer->error_code, ErrorCode::none);
  // What was not given does not count: a client that waits gets it.
  const auto throttle = std::chrono::milliseconds(answer->throttle_time_ms);
  EXPECT_LT(throttle, 3s);
  client.ask(protocol::MetadataRequest{});
  EXPECT_GE(waited(start), throttle);
}

TEST(ClientQuota, OfChangesIsStrictForClientsThatUnderstandIt) {
  BrokerUnderTest broker;
  Client client(broker);
  create_topic(client, "before", 3);
  set_quota(client, "controller_mutation_rate", 0.1);  // one at once
  create_topic(client, "large", 12);                   // may overdraw: the debt of 10.9 is not paid while it is made
  auto refused = client.ask(creation("refused"));
  EXPECT_EQ(refused->topics.at(0).error_code, ErrorCode::throttling_quota_exceeded);
  EXPECT_EQ(refused->topics.at(0).error_message, std::nullopt);
  EXPECT_GT(refused->throttle_time_ms, 60'000);
  EXPECT_LE(refused->throttle_time_ms, 109'000);

  Client other(broker);
  set_quota(other, "controller_mutation_rate", 0.001);
  auto grow = [&](Version version) {
    protocol::CreatePartitionsRequest request;
    request.topics.push_back({"before", version == 3 ? 4 : 5, std::nullopt});
    request.timeout_ms = 10'000;
    return other.ask(request, version);
  };
  EXPECT_EQ(Client(broker).ask(deletion("large"))->responses.at(0).error_code, ErrorCode::throttling_quota_exceeded);
  EXPECT_EQ(grow(3)->results.at(0).error_code, ErrorCode::throttling_quota_exceeded);
}

TEST(ClientQuota, OfChangesLetsOldClientsDoThemAndWait) {
  BrokerUnderTest broker;
  Client client(broker);
  create_topic(client, "t", 2);
  set_quota(client, "controller_mutation_rate", 0.1);
  auto request = creation("many", 12);
  request.timeout_ms = 10'000;
  auto answer = client.ask(request, 5);
  EXPECT_EQ(answer->topics.at(0).error_code, ErrorCode::none);
  EXPECT_GT(answer->throttle_time_ms, 60'000);
  EXPECT_LE(answer->throttle_time_ms, 109'000);
}

TEST(ClientQuota, OfRequestTimeThrottlesWhoKeepsTheShardsBusyAndNotOthers) {
  BrokerUnderTest broker;
  Client client(broker);
  set_quota(client, "request_percentage", 0.01);  // 0.1 ms each second, 1 ms at once
  std::int32_t throttle = 0;
  for (int i = 0; i < 2000 && throttle == 0; ++i) throttle = client.ask(protocol::MetadataRequest{})->throttle_time_ms;
  EXPECT_GT(throttle, 0);
  EXPECT_LE(throttle, 1000);
  set_quota(client, "request_percentage", 100'000);
  EXPECT_EQ(client.ask(protocol::MetadataRequest{})->throttle_time_ms, 0);
}

TEST(ClientQuota, IsStoredAsKafkaStoresIt) {
  using Type = QuotaConfigKey::Type;
  auto text = [](Type type, double value) { return quota_text({"key", type}, value).value_or("refused"); };
  EXPECT_EQ(text(Type::int64, 1000), "1000");
  EXPECT_EQ(text(Type::int64, 9223372036854775807.0), "9223372036854775807");
  EXPECT_EQ(text(Type::int64, 0.0000001), "0");
  for (double wrong : {-1.0, 0.5, 1e300, 9.3e18, std::numeric_limits<double>::infinity()})
    EXPECT_EQ(text(Type::int64, wrong), "refused") << wrong;
  EXPECT_EQ(text(Type::int32, 2147483647), "2147483647");
  EXPECT_EQ(text(Type::int32, 2147483648), "refused");
  const std::vector<std::pair<double, std::string>> numbers{
      {0, "0.0"},          {12.5, "12.5"},     {1, "1.0"},         {-1, "-1.0"},
      {0.001, "0.001"},    {0.0001, "1.0E-4"}, {1e-7, "1.0E-7"},   {1234567, "1234567.0"},
      {1e7, "1.0E7"},      {2.5e10, "2.5E10"}, {1e300, "1.0E300"}, {9.3e18, "9.3E18"},
      {1e-300, "1.0E-300"}};
  for (const auto& [number, expected] : numbers) {
    EXPECT_EQ(text(Type::number, number), expected);
    EXPECT_EQ(parse_quota(expected), number);
  }
  EXPECT_EQ(parse_quota("Infinity"), std::numeric_limits<double>::infinity());
  EXPECT_FALSE(parse_quota("much"));
  EXPECT_FALSE(quota_text({"key", Type::number}, std::numeric_limits<double>::quiet_NaN()));
}

}  // namespace
}  // namespace millrace::server

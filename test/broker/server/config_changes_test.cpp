// A running broker whose configuration is changed by requests.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/logging.h"
#include "broker/protocol/messages/alter_configs.h"
#include "broker/protocol/messages/describe_configs.h"
#include "broker/protocol/messages/incremental_alter_configs.h"
#include "test/broker/network/held_port.h"
#include "test/broker/server/broker_under_test.h"

namespace millrace::server {
namespace {

using protocol::ConfigOperation;
using protocol::ConfigResourceType;
using protocol::ConfigSource;
using Pairs = std::vector<std::pair<std::string_view, std::string_view>>;

ErrorCode set(Client& client, ConfigResourceType type, std::string_view name, const Pairs& pairs,
              ConfigOperation operation = ConfigOperation::set) {
  protocol::IncrementalAlterConfigsRequest request;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = type;
  resource.resource_name = name;
  for (const auto& [key, value] : pairs) resource.configs.push_back({key, operation, value});
  auto answer = client.ask(request);
  return answer->responses.at(0).error_code;
}
ErrorCode take_away(Client& client, ConfigResourceType type, std::string_view name, std::string_view key) {
  return set(client, type, name, {{key, ""}}, ConfigOperation::remove);
}

struct Shown {
  std::string value;
  ConfigSource source;
  friend bool operator==(const Shown&, const Shown&) = default;
};

std::optional<Shown> shown(Client& client, ConfigResourceType type, std::string_view name, std::string_view key) {
  protocol::DescribeConfigsRequest request;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = type;
  resource.resource_name = name;
  resource.configuration_keys = std::vector<std::string_view>{key};
  auto answer = client.ask(request);
  const auto& configs = answer->results.at(0).configs;
  if (configs.empty()) return std::nullopt;
  return Shown{std::string(configs[0].value.value_or("null")), configs[0].config_source};
}

constexpr auto topic = ConfigResourceType::topic;
constexpr auto broker = ConfigResourceType::broker;
constexpr auto logger = ConfigResourceType::broker_logger;

TEST(ConfigChanges, OfATopicAreInForceAtOnce) {
  BrokerUnderTest under_test;
  Client client(under_test);
  create_topic(client, "t");
  const std::string large(5'000, 'x');
  EXPECT_EQ(produce(client, "t", large), ErrorCode::none);
  ASSERT_EQ(set(client, topic, "t", {{"max.message.bytes", "1000"}}), ErrorCode::none);
  EXPECT_TRUE(eventually([&] { return produce(client, "t", large) == ErrorCode::message_too_large; }));
  EXPECT_EQ(shown(client, topic, "t", "max.message.bytes"), (Shown{"1000", ConfigSource::topic}));
  ASSERT_EQ(take_away(client, topic, "t", "max.message.bytes"), ErrorCode::none);
  EXPECT_TRUE(eventually([&] { return produce(client, "t", large) == ErrorCode::none; }));
}

TEST(ConfigChanges, OfBrokersAreInheritedByTheirTopics) {
  BrokerUnderTest under_test({{"message.max.bytes", "900000"}});
  Client client(under_test);
  create_topic(client, "t");
  EXPECT_EQ(shown(client, topic, "t", "max.message.bytes"), (Shown{"900000", ConfigSource::static_broker}));
  ASSERT_EQ(set(client, broker, "", {{"message.max.bytes", "2000"}}), ErrorCode::none);
  EXPECT_EQ(shown(client, topic, "t", "max.message.bytes"), (Shown{"2000", ConfigSource::dynamic_default_broker}));
  ASSERT_EQ(set(client, broker, "0", {{"message.max.bytes", "1000"}}), ErrorCode::none);
  EXPECT_EQ(shown(client, broker, "0", "message.max.bytes"), (Shown{"1000", ConfigSource::dynamic_broker}));
  EXPECT_EQ(shown(client, broker, "", "message.max.bytes"), (Shown{"2000", ConfigSource::dynamic_default_broker}));
  EXPECT_TRUE(
      eventually([&] { return produce(client, "t", std::string(1'500, 'x')) == ErrorCode::message_too_large; }));
  ASSERT_EQ(take_away(client, broker, "0", "message.max.bytes"), ErrorCode::none);
  EXPECT_TRUE(eventually([&] { return produce(client, "t", std::string(1'500, 'x')) == ErrorCode::none; }));
  ASSERT_EQ(take_away(client, broker, "", "message.max.bytes"), ErrorCode::none);
  EXPECT_EQ(shown(client, broker, "0", "message.max.bytes"), (Shown{"900000", ConfigSource::static_broker}));
}

TEST(ConfigChanges, OfATopicStandAboveThoseOfTheBroker) {
  BrokerUnderTest under_test;
  Client client(under_test);
  create_topic(client, "t");
  ASSERT_EQ(set(client, topic, "t", {{"segment.bytes", "5000000"}}), ErrorCode::none);
  ASSERT_EQ(set(client, broker, "0", {{"log.segment.bytes", "6000000"}}), ErrorCode::none);
  EXPECT_EQ(shown(client, topic, "t", "segment.bytes"), (Shown{"5000000", ConfigSource::topic}));
}

TEST(ConfigChanges, AreThereAfterARestart) {
  TemporaryDirectory folder;
  const ConfigPairs places{{"log.dirs", folder.path() + "/log"},
                           {"metadata.store", "embedded:" + folder.path() + "/m"}};
  {
    BrokerUnderTest first(places);
    Client client(first);
    create_topic(client, "t");
    ASSERT_EQ(set(client, topic, "t", {{"max.message.bytes", "1000"}}), ErrorCode::none);
    ASSERT_EQ(set(client, broker, "", {{"log.segment.bytes", "7000000"}}), ErrorCode::none);
    ASSERT_EQ(set(client, broker, "0",
                  {{"listeners", "PLAINTEXT://127.0.0.1:0,EXTERNAL://127.0.0.1:0"},
                   {"listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,EXTERNAL:PLAINTEXT"}}),
              ErrorCode::none);
  }
  BrokerUnderTest again(places);
  EXPECT_EQ((*again).listeners().size(), 2U);
  Client client(again);
  EXPECT_EQ(shown(client, topic, "t", "max.message.bytes"), (Shown{"1000", ConfigSource::topic}));
  EXPECT_EQ(shown(client, topic, "t", "segment.bytes"), (Shown{"7000000", ConfigSource::dynamic_default_broker}));
  EXPECT_EQ(produce(client, "t", std::string(5'000, 'x')), ErrorCode::message_too_large) << "from the first request on";
}

TEST(ConfigChanges, BoundConnectionsFromThenOn) {
  BrokerUnderTest under_test;
  Client client(under_test);
  ASSERT_EQ(set(client, broker, "", {{"max.connections.per.ip", "1"}}), ErrorCode::none);
  EXPECT_TRUE(eventually([&] {
    network::RawClient second(under_test.port());
    return !second.connected() || second.is_closed_by_peer(std::chrono::milliseconds(200));
  }));
  ASSERT_EQ(take_away(client, broker, "", "max.connections.per.ip"), ErrorCode::none);
  EXPECT_TRUE(eventually([&] {
    network::RawClient second(under_test.port());
    return second.connected() && !second.is_closed_by_peer(std::chrono::milliseconds(200));
  }));
}

// The port of the broker's only entry in Metadata, as this client is told; 0 when there is none.
int advertised_port(Client& client) {
  protocol::MetadataRequest request;
  request.topics = std::vector<protocol::MetadataRequest::Topic>{};
  auto answer = client.ask(request);
  return answer->brokers.empty() ? 0 : answer->brokers.front().port;
}

TEST(ConfigChanges, OpenAndCloseListenersWhileTheBrokerServes) {
  const network::HeldPort held;
  const int port = held.number();
  BrokerUnderTest under_test;
  Client client(under_test);
  const auto external = ",EXTERNAL://127.0.0.1:" + std::to_string(port);
  const std::string both = "PLAINTEXT://127.0.0.1:0" + external;
  ASSERT_EQ(set(client, broker, "0",
                {{"listeners", both}, {"listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,EXTERNAL:PLAINTEXT"}}),
            ErrorCode::none);
  std::optional<Client> outside;
  ASSERT_TRUE(eventually([&] {
    network::RawClient probe(static_cast<std::uint16_t>(port));
    return probe.connected();
  }));
  outside.emplace(static_cast<std::uint16_t>(port));
  EXPECT_TRUE(eventually([&] { return advertised_port(*outside) == port; })) << "it tells the address that was asked";
  EXPECT_EQ(advertised_port(client), under_test.port());

  // What is advertised changes without a socket.
  const auto moved = "PLAINTEXT://127.0.0.1:0,EXTERNAL://outside.example:19094";
  ASSERT_EQ(set(client, broker, "0", {{"advertised.listeners", moved}}), ErrorCode::none);
  EXPECT_TRUE(eventually([&] { return advertised_port(*outside) == 19094; }));

  EXPECT_EQ(set(client, broker, "0", {{"listeners", "EXTERNAL://127.0.0.1:" + std::to_string(port)}}),
            ErrorCode::invalid_request)
      << "the brokers' listener stays";
  EXPECT_EQ(take_away(client, broker, "0", "listeners"), ErrorCode::invalid_request) << "it is still advertised";
  ASSERT_EQ(take_away(client, broker, "0", "advertised.listeners"), ErrorCode::none);
  ASSERT_EQ(take_away(client, broker, "0", "listeners"), ErrorCode::none);
  EXPECT_TRUE(eventually([&] {
    network::RawClient probe(static_cast<std::uint16_t>(port));
    return !probe.connected();
  })) << "it is closed";
  EXPECT_EQ(advertised_port(client), under_test.port());
}

TEST(ConfigChanges, OfLoggersLastAsLongAsTheProcess) {
  BrokerUnderTest under_test;
  Client client(under_test);
  ASSERT_EQ(set(client, logger, "0", {{"network", "DEBUG"}, {"log", "FATAL"}}), ErrorCode::none);
  EXPECT_EQ(shown(client, logger, "0", "network"), (Shown{"DEBUG", ConfigSource::dynamic_broker_logger}));
  EXPECT_TRUE(log_enabled(LogLevel::debug, "network"));
  EXPECT_FALSE(log_enabled(LogLevel::error, "log"));
  EXPECT_EQ(set(client, logger, "0", {{"network", "INFO"}, {"nobody", "INFO"}}), ErrorCode::invalid_config);
  EXPECT_EQ(shown(client, logger, "0", "network")->value, "DEBUG") << "all or nothing";
  EXPECT_EQ(take_away(client, logger, "0", "root"), ErrorCode::invalid_request);
  ASSERT_EQ(take_away(client, logger, "0", "network"), ErrorCode::none);
  ASSERT_EQ(take_away(client, logger, "0", "log"), ErrorCode::none);
  EXPECT_EQ(shown(client, logger, "0", "network")->value, "INFO");
}

TEST(ConfigChanges, AreRefusedWhereAResourceStandsTwice) {
  BrokerUnderTest under_test;
  Client client(under_test);
  create_topic(client, "t");
  protocol::AlterConfigsRequest request;
  for (int i = 0; i < 2; ++i) {
    auto& resource = request.resources.emplace_back();
    resource.resource_type = topic;
    resource.resource_name = "t";
    resource.configs.push_back({"segment.bytes", "5000000"});
  }
  auto answer = client.ask(request);
  for (const auto& response : answer->responses) EXPECT_EQ(response.error_code, ErrorCode::invalid_request);
  EXPECT_EQ(shown(client, topic, "t", "segment.bytes")->source, ConfigSource::default_config);
}

TEST(ConfigChanges, AreNotMadeWhenTheyAreOnlyTried) {
  BrokerUnderTest under_test;
  Client client(under_test);
  create_topic(client, "t");
  protocol::AlterConfigsRequest request;
  request.validate_only = true;
  auto& resource = request.resources.emplace_back();
  resource.resource_type = topic;
  resource.resource_name = "t";
  resource.configs.push_back({"segment.bytes", "5000000"});
  EXPECT_EQ(client.ask(request)->responses.at(0).error_code, ErrorCode::none);
  EXPECT_EQ(shown(client, topic, "t", "segment.bytes")->source, ConfigSource::default_config);
}

}  // namespace
}  // namespace millrace::server

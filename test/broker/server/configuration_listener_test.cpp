#include <gtest/gtest.h>

#include <string>

#include "broker/server/configuration/broker_configuration.h"
#include "broker/server/configuration/listener.h"

namespace millrace::server {
namespace {

Result<BrokerConfiguration> make(ConfigPairs pairs) {
  pairs.emplace_back("metadata.store", "embedded:/data/metadata");
  return make_broker_configuration(pairs, "here.example");
}

ListenerConfiguration made(const ConfigPairs& pairs) {
  auto configuration = make(pairs);
  EXPECT_TRUE(configuration.has_value()) << (configuration ? "" : configuration.error().message);
  return configuration ? configuration->listeners : ListenerConfiguration{};
}

constexpr const char* two_names = "INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT";

TEST(Listeners, AreOneOnEveryAddressByDefaultAndAdvertiseThisMachine) {
  auto listeners = made({});
  EXPECT_EQ(listeners.listeners, (std::vector<Listener>{{"PLAINTEXT", SecurityProtocol::plaintext, "", 9092}}));
  EXPECT_EQ(listeners.advertised,
            (std::vector<Listener>{{"PLAINTEXT", SecurityProtocol::plaintext, "here.example", 9092}}));
  EXPECT_EQ(listeners.inter_broker_name, "PLAINTEXT");
}

TEST(Listeners, AreReadWithNamesAddressesAndBracketsOfIpv6) {
  auto listeners = made({{"listeners", "internal://[::1]:1 , EXTERNAL://0.0.0.0:0"},
                         {"advertised.listeners", "EXTERNAL://broker-0.kafka.svc:19092,INTERNAL://[fe80::1%eth0]:2"},
                         {"listener.security.protocol.map", two_names},
                         {"inter.broker.listener.name", "internal"}});
  EXPECT_EQ(listeners.listeners, (std::vector<Listener>{{"INTERNAL", SecurityProtocol::plaintext, "::1", 1},
                                                        {"EXTERNAL", SecurityProtocol::plaintext, "0.0.0.0", 0}}));
  EXPECT_EQ(listeners.advertised,
            (std::vector<Listener>{{"EXTERNAL", SecurityProtocol::plaintext, "broker-0.kafka.svc", 19092},
                                   {"INTERNAL", SecurityProtocol::plaintext, "fe80::1%eth0", 2}}));
  ASSERT_NE(listeners.advertised_by_name("EXTERNAL"), nullptr);
  EXPECT_EQ(listeners.advertised_by_name("EXTERNAL")->port, 19092);
  EXPECT_EQ(listeners.advertised_by_name("OTHER"), nullptr);
}

TEST(Listeners, ReserveTheBrokersOwnWhereItIsNotTheOnlyOne) {
  auto one = make({});
  ASSERT_TRUE(one.has_value());
  EXPECT_FALSE(network_listeners(one->listeners).at(0).reserved);
  auto two = make({{"listeners", "INTERNAL://:1,EXTERNAL://:2"},
                   {"listener.security.protocol.map", two_names},
                   {"inter.broker.listener.name", "INTERNAL"}});
  ASSERT_TRUE(two.has_value());
  EXPECT_TRUE(network_listeners(two->listeners).at(0).reserved);
  EXPECT_FALSE(network_listeners(two->listeners).at(1).reserved);
  EXPECT_EQ(network_listeners(two->listeners).at(1).port, 2);
}

TEST(Listeners, GiveTheControllerOneOfItsOwn) {
  const std::string three_names = std::string(two_names) + ",CONTROLLER:PLAINTEXT";
  ConfigPairs pairs{{"listeners", "INTERNAL://:1,EXTERNAL://:2,CONTROLLER://:3"},
                    {"listener.security.protocol.map", three_names},
                    {"inter.broker.listener.name", "INTERNAL"},
                    {"control.plane.listener.name", "controller"}};
  auto made = make(pairs);
  ASSERT_TRUE(made.has_value()) << made.error().message;
  EXPECT_EQ(made->listeners.control_plane_name, "CONTROLLER");
  auto configs = network_listeners(made->listeners);
  EXPECT_TRUE(configs.at(0).reserved);
  EXPECT_FALSE(configs.at(1).reserved);
  EXPECT_TRUE(configs.at(2).reserved);

  auto without_clients = make({{"listeners", "INTERNAL://:1,CONTROLLER://:3"},
                               {"listener.security.protocol.map", three_names},
                               {"inter.broker.listener.name", "INTERNAL"},
                               {"control.plane.listener.name", "CONTROLLER"}});
  ASSERT_TRUE(without_clients.has_value());
  EXPECT_FALSE(network_listeners(without_clients->listeners).at(0).reserved) << "clients use it too";

  for (const auto* wrong : {"INTERNAL", "OTHER"}) {
    pairs.back().second = wrong;
    auto refused = make(pairs);
    ASSERT_FALSE(refused.has_value()) << wrong;
    EXPECT_NE(refused.error().message.find("control.plane.listener.name"), std::string::npos)
        << refused.error().message;
  }
}

TEST(Listeners, ShareAPortOnlyAsOneOfIpv4AndOneOfIpv6) {
  EXPECT_EQ(made({{"listeners", "PLAINTEXT://127.0.0.1:9092,B://[::1]:9092"},
                  {"listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,B:PLAINTEXT"}})
                .listeners.size(),
            2U);
}

TEST(Listeners, RefuseWhatKafkaRefuses) {
  struct Case {
    ConfigPairs pairs;
    std::string expected;
  };
  const Case cases[] = {
      {{{"listeners", ""}}, "at least one NAME://host:port must be given"},
      {{{"listeners", "localhost:9092"}}, "allowed is NAME://host:port"},
      {{{"listeners", "PLAINTEXT:/localhost:9092"}}, "allowed is NAME://host:port"},
      {{{"listeners", "://localhost:9092"}}, "allowed is NAME://host:port"},
      {{{"listeners", "PLAINTEXT://localhost"}}, "allowed is NAME://host:port"},
      {{{"listeners", "PLAINTEXT://::1:9092"}}, "an IPv6 address in brackets"},
      {{{"listeners", "PLAINTEXT://a b:9092"}}, "allowed is NAME://host:port"},
      {{{"listeners", "PLAINTEXT://localhost:"}}, "the port must be a number from 0 to 65535"},
      {{{"listeners", "PLAINTEXT://localhost:65536"}}, "the port must be a number from 0 to 65535"},
      {{{"listeners", "PLAINTEXT://localhost:-1"}}, "the port must be a number from 0 to 65535"},
      {{{"listeners", "PLAINTEXT://localhost:99999999999999999999"}}, "the port must be a number from 0 to 65535"},
      {{{"listeners", "OTHER://localhost:1"}}, "No security protocol defined for listener OTHER"},
      {{{"listeners", "SSL://localhost:1"}}, "only PLAINTEXT is supported for now"},
      {{{"listeners", "PLAINTEXT://:1,plaintext://:2"}},
       "Each listener must have a different name; PLAINTEXT stands twice"},
      {{{"listeners", "PLAINTEXT://a:1,B://b:1"},
        {"listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,B:PLAINTEXT"}},
       "Each listener must have a different port"},
      {{{"listeners", "PLAINTEXT://127.0.0.1:1,B://127.0.0.2:1"},
        {"listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,B:PLAINTEXT"}},
       "Each listener must have a different port"},
      {{{"listener.security.protocol.map", "PLAINTEXT"}}, "allowed is NAME:PROTOCOL"},
      {{{"listener.security.protocol.map", "PLAINTEXT:TLS"}}, "the protocol must be one of PLAINTEXT, SSL"},
      {{{"listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,plaintext:SSL"}}, "has a protocol already"},
      {{{"listeners", "PLAINTEXT://0.0.0.0:9092"}},
       "advertised.listeners cannot use the nonroutable meta-address 0.0.0.0"},
      {{{"advertised.listeners", "PLAINTEXT://0.0.0.0:9092"}},
       "advertised.listeners cannot use the nonroutable meta-address 0.0.0.0"},
      {{{"advertised.listeners", "SSL://here:9093"}}, "only PLAINTEXT is supported"},
      {{{"advertised.listeners", "B://here:9093"},
        {"listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,B:PLAINTEXT"}},
       "the listener B is not one of listeners, which are PLAINTEXT"},
      {{{"advertised.listeners", "PLAINTEXT://a:1,PLAINTEXT://b:2"}}, "Each listener must have a different name"},
      {{{"inter.broker.listener.name", "OTHER"}},
       "the brokers' listener OTHER must be one of advertised.listeners, which are PLAINTEXT"},
      {{{"inter.broker.listener.name", "PLAINTEXT"}, {"security.inter.broker.protocol", "PLAINTEXT"}},
       "only one of inter.broker.listener.name and security.inter.broker.protocol"},
      {{{"listeners", "B://:1"}, {"listener.security.protocol.map", "B:PLAINTEXT"}},
       "the brokers' listener PLAINTEXT must be one of"},
  };
  for (const auto& [pairs, expected] : cases) {
    auto configuration = make(pairs);
    ASSERT_FALSE(configuration.has_value()) << pairs.front().second;
    EXPECT_NE(configuration.error().message.find(expected), std::string::npos) << configuration.error().message;
  }
}

TEST(Listeners, KnowThisMachinesName) { EXPECT_FALSE(local_host_name().empty()); }

}  // namespace
}  // namespace millrace::server

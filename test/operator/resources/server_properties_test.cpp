#include "operator/resources/server_properties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "broker/base/config_table.h"
#include "test/operator/resources/broker_scene.h"

namespace millrace::resources {
namespace {

using testing::HasSubstr;

std::map<std::string, std::string> parsed(const BrokerScene& scene, std::int32_t id = 0) {
  std::map<std::string, std::string> values;
  auto properties = parse_properties(server_properties(scene.broker(id))).value();
  for (const auto& [key, value] : properties) values[key] = value;
  return values;
}

TEST(ServerProperties, AreExactlyThese) {
  EXPECT_EQ(server_properties(BrokerScene({{"config", {{"num.partitions", 3}}}}).broker(7)),
            R"(# Broker 7 of KafkaCluster shop/demo, made by the operator.
advertised.listeners=INTERNAL://demo-broker-7-0.demo-brokers.shop.svc.cluster.local:9092
broker.id=7
inter.broker.listener.name=INTERNAL
listener.security.protocol.map=INTERNAL:PLAINTEXT
listeners=INTERNAL://:9092
log.dirs=/var/lib/millrace/data/log
metadata.store=embedded:/var/lib/millrace/data/metadata
millrace.cluster.id=AbCdEfGhIjKlMnOpQrStUg
millrace.http.port=9404
offsets.topic.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.replication.factor=1
# spec.config
num.partitions=3
)");
}

TEST(ServerProperties, LeaveTheReplicationOfInternalTopicsToWhoSetsIt) {
  const auto text = server_properties(BrokerScene({{"config", {{"offsets.topic.replication.factor", 3}}}}).broker(7));
  EXPECT_EQ(text.find("offsets.topic.replication.factor=1"), std::string::npos);
  EXPECT_NE(text.find("offsets.topic.replication.factor=3"), std::string::npos);
}

TEST(ServerProperties, HaveEveryListenerAndTheClustersDomain) {
  BrokerScene scene({{"listeners", {{{"name", "internal"}, {"port", 9092}}, {{"name", "apps"}, {"port", 19092}}}},
                     {"clusterDomain", "k8s.test"}});
  auto values = parsed(scene);
  EXPECT_EQ("INTERNAL://:9092,APPS://:19092", values["listeners"]);
  EXPECT_EQ(
      "INTERNAL://demo-broker-0-0.demo-brokers.shop.svc.k8s.test:9092,APPS://"
      "demo-broker-0-0.demo-brokers.shop.svc.k8s.test:19092",
      values["advertised.listeners"]);
  EXPECT_EQ("INTERNAL:PLAINTEXT,APPS:PLAINTEXT", values["listener.security.protocol.map"]);
}

TEST(ServerProperties, NameTheRackWhereThereIsOneZone) {
  auto with_zones = [](nlohmann::json zones) {
    return BrokerScene(
        {{"pools", {{{"name", "b"}, {"zones", std::move(zones)}, {"storage", {{"volumes", {{{"size", "1Gi"}}}}}}}}}});
  };
  EXPECT_EQ("east", parsed(with_zones({"east"}))["broker.rack"]);
  EXPECT_FALSE(parsed(with_zones({"east", "west"})).contains("broker.rack"));
}

TEST(ServerProperties, ReadBackAnyText) {
  std::string text = "  back\\slash\ttab\nline # no comment ! = : \xc3\xa4";
  auto values = parsed(BrokerScene({{"config", {{"some.key", text}}}}));
  EXPECT_EQ(text, values["some.key"]);
}

}  // namespace
}  // namespace millrace::resources

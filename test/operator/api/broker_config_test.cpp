#include "operator/api/broker_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace millrace::api {
namespace {

using Json = nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

TEST(BrokerConfig, TakesAnyScalar) {
  auto checked = check_broker_config({{"num.partitions", 3},
                                      {"auto.create.topics.enable", false},
                                      {"log.cleaner.min.cleanable.ratio", 0.5},
                                      {"compression.type", "zstd"}});
  EXPECT_TRUE(checked.refusals.empty());
  EXPECT_THAT(checked.values, ElementsAre(Pair("auto.create.topics.enable", "false"), Pair("compression.type", "zstd"),
                                          Pair("log.cleaner.min.cleanable.ratio", "0.5"), Pair("num.partitions", "3")));
}

TEST(BrokerConfig, RefusesWhatTheOperatorSetsAndSaysWhatToUseInstead) {
  for (const char* key :
       {"broker.id", "log.dirs", "listeners", "advertised.listeners", "zookeeper.connect", "metadata.store", "node.id",
        "millrace.cluster.id", "millrace.http.port", "controller.quorum.voters", "broker.rack"}) {
    auto checked = check_broker_config({{key, "x"}, {"num.partitions", 1}});
    ASSERT_EQ(1U, checked.refusals.size()) << key;
    EXPECT_THAT(checked.refusals[0], HasSubstr(std::string("'") + key + "' may not be set: "));
    EXPECT_THAT(checked.values, ElementsAre(Pair("num.partitions", "1"))) << key;
  }
  EXPECT_THAT(check_broker_config({{"log.dirs", "/x"}}).refusals[0], HasSubstr("spec.pools[].storage"));
}

TEST(BrokerConfig, RefusesSecrets) {
  for (const char* key :
       {"ssl.keystore.password", "listener.name.internal.plain.sasl.jaas.config", "ssl.keystore.key"}) {
    auto checked = check_broker_config({{key, "hunter2"}});
    ASSERT_EQ(1U, checked.refusals.size()) << key;
    EXPECT_THAT(checked.refusals[0], AllOf(HasSubstr("secrets"), testing::Not(HasSubstr("hunter2"))));
  }
}

// The keys of type PASSWORD in the configuration definition of Kafka 3.9.2's broker.
TEST(BrokerConfig, RefusesEveryKeyThatKafkaTypesAsAPassword) {
  for (std::string key :
       {"delegation.token.master.key", "delegation.token.secret.key", "password.encoder.old.secret",
        "password.encoder.secret", "sasl.jaas.config", "ssl.key.password", "ssl.keystore.certificate.chain",
        "ssl.keystore.key", "ssl.keystore.password", "ssl.truststore.certificates", "ssl.truststore.password",
        "zookeeper.ssl.keystore.password", "zookeeper.ssl.truststore.password"}) {
    for (const auto& spelled : {key, "listener.name.internal." + key}) {
      auto checked = check_broker_config({{spelled, "hunter2"}});
      EXPECT_EQ(1U, checked.refusals.size()) << spelled;
      EXPECT_TRUE(checked.values.empty()) << spelled;
    }
  }
}

TEST(BrokerConfig, RefusesValuesAndKeysThatNoFileCouldHold) {
  auto checked =
      check_broker_config({{"a", Json::array({1})}, {"b", {{"c", 1}}}, {"d e", 1}, {"f=g", 1}, {"h", nullptr}});
  EXPECT_TRUE(checked.values.empty());
  EXPECT_THAT(checked.refusals,
              ElementsAre(HasSubstr("'a' has a list"), HasSubstr("'b' has an object"), HasSubstr("'d e' is not a key"),
                          HasSubstr("'f=g' is not a key"), HasSubstr("'h' has nothing")));
}

}  // namespace
}  // namespace millrace::api

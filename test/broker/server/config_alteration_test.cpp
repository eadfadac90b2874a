#include "broker/server/configuration/config_alteration.h"

#include <gtest/gtest.h>

#include "broker/server/configuration/broker_configuration.h"
#include "broker/server/configuration/dynamic_config_checks.h"

namespace millrace::server {
namespace {

using protocol::ConfigOperation;
using protocol::ErrorCode;

class ConfigAlterationTest : public testing::Test {
 protected:
  ConfigAlterationTest()
      : fixed_(*make_broker_configuration({{"listeners", "PLAINTEXT://127.0.0.1:9092"},
                                           {"log.dirs", "/data/log"},
                                           {"metadata.store", "embedded:/data/metadata"}},
                                          "here")),
        layers_(fixed_) {}

  static ConfigAlteration setting(std::vector<std::pair<std::string, std::string>> texts) {
    ConfigAlteration alteration;
    for (auto& [name, text] : texts) alteration.changes.push_back({name, ConfigOperation::set, text});
    return alteration;
  }
  static ConfigAlteration doing(const std::string& name, ConfigOperation operation, std::optional<std::string> value) {
    return {false, {{name, operation, std::move(value)}}};
  }
  // The message that a broker's value is refused with; empty when it is taken.
  std::string refusal(const std::string& name, const std::string& text,
                      BrokerConfigLevel level = BrokerConfigLevel::one_broker) {
    auto altered = alter_broker(layers_, level, {}, setting({{name, text}}));
    if (altered) return "";
    EXPECT_EQ(altered.error().code, ErrorCode::invalid_request);
    return altered.error().message.value_or("null");
  }

  BrokerConfiguration fixed_;
  BrokerConfigLayers layers_;
};

TEST_F(ConfigAlterationTest, SetsOverWhatIsThereAndReplacesAllOfIt) {
  const ConfigTexts now{{"retention.ms", "1"}, {"segment.ms", "2"}};
  auto stepwise = alter_topic(fixed_.values, "t", now, setting({{"segment.ms", "3"}}));
  EXPECT_EQ(*stepwise, (ConfigTexts{{"retention.ms", "1"}, {"segment.ms", "3"}}));
  auto whole = setting({{"segment.ms", "3"}});
  whole.replaces = true;
  EXPECT_EQ(*alter_topic(fixed_.values, "t", now, whole), (ConfigTexts{{"segment.ms", "3"}}));
}

TEST_F(ConfigAlterationTest, ChangesListsFromTheirDefault) {
  constexpr const char* policy = "cleanup.policy";
  auto alter = [&](const ConfigTexts& now, ConfigOperation operation, const std::string& value) {
    return alter_topic(fixed_.values, "t", now, doing(policy, operation, value))->at(policy);
  };
  EXPECT_EQ(alter({}, ConfigOperation::append, "compact"), "delete,compact");
  EXPECT_EQ(alter({{policy, "delete,compact"}}, ConfigOperation::append, "compact"), "delete,compact");
  EXPECT_EQ(alter({{policy, "delete,compact"}}, ConfigOperation::subtract, "delete"), "compact");
  EXPECT_EQ(alter({{policy, "compact"}}, ConfigOperation::subtract, "compact,delete"), "");
}

TEST_F(ConfigAlterationTest, RefusesWhatNoResourceTakes) {
  EXPECT_EQ(check_alteration(setting({{"a", "1"}, {"b", "1"}, {"a", "2"}}))->message,
            "Error due to duplicate config keys");
  EXPECT_EQ(check_alteration(doing("a", ConfigOperation::set, std::nullopt))->message,
            "Null value not supported for : a");
  EXPECT_FALSE(check_alteration(doing("a", ConfigOperation::remove, std::nullopt)));
}

TEST_F(ConfigAlterationTest, SaysWhoseValueIsWrong) {
  auto wrong = alter_topic(fixed_.values, "t", {}, setting({{"segment.bytes", "1"}}));
  EXPECT_EQ(wrong.error().code, ErrorCode::invalid_config);
  EXPECT_EQ(wrong.error().message,
            "Invalid config value for resource ConfigResource(type=TOPIC, name='t'): Invalid value 1 for configuration "
            "segment.bytes: Value must be at least 14");
  auto unknown = alter_topic(fixed_.values, "t", {}, setting({{"no.such.key", "1"}}));
  EXPECT_EQ(unknown.error().message, "Unknown topic config name: no.such.key");
}

TEST_F(ConfigAlterationTest, TakesOfABrokerWhatMayChangeWhereItMay) {
  EXPECT_EQ(refusal("log.cleaner.threads", "2"), "");
  EXPECT_EQ(refusal("somebody.elses", "1"), "") << "a key that is not known is kept, as Kafka does";
  EXPECT_EQ(refusal("broker.id", "5"), "Cannot update these configs dynamically: Set(broker.id)");
  EXPECT_EQ(refusal("log.retention.hours", "5"), "Cannot update these configs dynamically: Set(log.retention.hours)");
  EXPECT_EQ(refusal("ssl.keystore.type", "PKCS12"),
            "These security configs can be dynamically updated only per-listener using the listener prefix: "
            "HashSet(ssl.keystore.type)");
  EXPECT_EQ(refusal("listener.name.plaintext.ssl.keystore.type", "PKCS12"), "");
  EXPECT_EQ(refusal("listener.name.plaintext.max.connections", "many"),
            "Invalid value many for configuration max.connections: Not a number of type INT");
  EXPECT_EQ(refusal("listeners", "PLAINTEXT://:1", BrokerConfigLevel::all_brokers),
            "Cannot update these configs at default cluster level, broker id must be specified: Set(listeners)");
  EXPECT_EQ(refusal("listener.name.plaintext.max.connections", "5", BrokerConfigLevel::all_brokers), "");
  EXPECT_EQ(refusal("leader.replication.throttled.rate", "-1"),
            "Invalid value -1 for configuration leader.replication.throttled.rate: Value must be at least 0");
}

TEST_F(ConfigAlterationTest, LetsNumbersOfThreadsDoubleOrHalveAtMost) {
  EXPECT_EQ(refusal("num.io.threads", "16"), "");
  EXPECT_EQ(refusal("num.io.threads", "4"), "");
  EXPECT_NE(refusal("num.io.threads", "17").find("should not be greater than double the current value 8"),
            std::string::npos);
  EXPECT_NE(refusal("num.io.threads", "3").find("should be at least half the current value 8"), std::string::npos);
}

TEST_F(ConfigAlterationTest, ChecksTheWholeConfigurationThatWouldCome) {
  EXPECT_NE(refusal("max.connections.per.ip", "0"), "");
  EXPECT_NE(refusal("log.retention.ms", "0"), "");
  EXPECT_NE(refusal("principal.builder.class", "org.example.Principals"), "");
}

TEST_F(ConfigAlterationTest, ChecksListenersAsAtAStart) {
  EXPECT_EQ(refusal("listeners", "PLAINTEXT://127.0.0.1:9092,EXTERNAL://127.0.0.1:9093").find("No security protocol") ==
                std::string::npos,
            false);
  auto named = [&](const std::string& listeners, const std::string& advertised) {
    auto altered =
        alter_broker(layers_, BrokerConfigLevel::one_broker, {},
                     setting({{"listeners", listeners},
                              {"advertised.listeners", advertised},
                              {"listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,EXTERNAL:PLAINTEXT"}}));
    return altered ? std::string() : altered.error().message.value_or("null");
  };
  EXPECT_EQ(named("PLAINTEXT://127.0.0.1:9092,EXTERNAL://127.0.0.1:9093", ""), "");
  EXPECT_NE(named("EXTERNAL://127.0.0.1:9093", ""), "") << "the brokers' listener cannot go";
  EXPECT_NE(named("PLAINTEXT://127.0.0.1:9092", "EXTERNAL://127.0.0.1:9093"), "") << "it is not listened to";
}

TEST_F(ConfigAlterationTest, PassesOverWhatTheStoreShouldNotHave) {
  ConfigTexts texts{{"broker.id", "7"},
                    {"log.segment.bytes", "many"},
                    {"ssl.keystore.type", "x"},
                    {"listeners", "A://:1"},
                    {"log.roll.ms", "5"}};
  auto of_one = texts;
  drop_invalid_dynamic_configs(BrokerConfigLevel::one_broker, of_one);
  EXPECT_EQ(of_one, (ConfigTexts{{"listeners", "A://:1"}, {"log.roll.ms", "5"}}));
  drop_invalid_dynamic_configs(BrokerConfigLevel::all_brokers, texts);
  EXPECT_EQ(texts, (ConfigTexts{{"log.roll.ms", "5"}}));
}

TEST_F(ConfigAlterationTest, KeepsNoSecretInTheClear) {
  ConfigTexts texts{{"listener.name.plaintext.ssl.keystore.password", "hunter2"}};
  auto refused = refuse_secrets(BrokerConfigLevel::one_broker, "0", texts);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, ErrorCode::invalid_config);
  EXPECT_EQ(refused->message,
            "Invalid config value for resource ConfigResource(type=BROKER, name='0'): Password encoder secret not "
            "configured");
  EXPECT_FALSE(refuse_secrets(BrokerConfigLevel::one_broker, "0", {{"log.roll.ms", "5"}}));
}

}  // namespace
}  // namespace millrace::server

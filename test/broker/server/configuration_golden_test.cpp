// Every key of topics and brokers as Kafka 3.9 describes it (test/compat/golden_configs), against ours.
#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>

#include "broker/base/file.h"
#include "broker/server/configuration/broker_config_layers.h"
#include "broker/server/configuration/broker_config_rows.h"
#include "broker/server/configuration/broker_configuration.h"
#include "broker/server/configuration/broker_description.h"
#include "broker/server/configuration/topic_configuration.h"
#include "broker/server/configuration/topic_description.h"
#include "test/support/source_tree.h"

namespace millrace::server {
namespace {

const std::string folder = source_path("test/compat/golden_configs/");

std::string golden(const std::string& name) {
  auto text = posix_file_system().read_text(folder + name, 1'000'000);
  EXPECT_TRUE(text.has_value()) << (text ? "" : text.error().message);
  return text.value_or("");
}

std::string_view name_of(ConfigSource source) {
  switch (source) {
    case ConfigSource::topic:
      return "DYNAMIC_TOPIC_CONFIG";
    case ConfigSource::dynamic_broker:
      return "DYNAMIC_BROKER_CONFIG";
    case ConfigSource::dynamic_default_broker:
      return "DYNAMIC_DEFAULT_BROKER_CONFIG";
    case ConfigSource::static_broker:
      return "STATIC_BROKER_CONFIG";
    case ConfigSource::default_config:
      return "DEFAULT_CONFIG";
    default:
      return "another";
  }
}

std::string_view name_of(protocol::ConfigType type) {
  switch (type) {
    case protocol::ConfigType::boolean:
      return "BOOLEAN";
    case protocol::ConfigType::string:
      return "STRING";
    case protocol::ConfigType::integer:
      return "INT";
    case protocol::ConfigType::short_integer:
      return "SHORT";
    case protocol::ConfigType::long_integer:
      return "LONG";
    case protocol::ConfigType::floating:
      return "DOUBLE";
    case protocol::ConfigType::list:
      return "LIST";
    case protocol::ConfigType::class_name:
      return "CLASS";
    case protocol::ConfigType::password:
      return "PASSWORD";
    default:
      return "UNKNOWN";
  }
}

// Lines by key, in the golden files' form.
using Lines = std::map<std::string, std::string>;

Lines lines_of(const std::vector<ConfigEntry>& entries) {
  Lines lines;
  for (const auto& entry : entries) {
    std::ostringstream line;
    line << entry.name << '\t' << entry.value.value_or("\\N") << '\t' << name_of(entry.source) << '\t'
         << name_of(entry.type) << '\t' << (entry.read_only ? "true" : "false") << '\t'
         << (entry.is_sensitive ? "true" : "false");
    for (const auto& synonym : entry.synonyms) {
      line << '\t' << name_of(synonym.source) << ':' << synonym.name << '=' << synonym.value.value_or("\\N");
    }
    EXPECT_TRUE(lines.emplace(entry.name, line.str()).second) << entry.name << " stands twice";
    EXPECT_EQ(entry.is_default, entry.source == ConfigSource::default_config) << entry.name;
    bool documented = !entry.documentation.empty() || entry.type == protocol::ConfigType::unknown;
    EXPECT_TRUE(documented) << entry.name;
  }
  return lines;
}

Lines lines_of(const std::string& text) {
  Lines lines;
  std::istringstream input(text);
  for (std::string line; std::getline(input, line);) lines.emplace(line.substr(0, line.find('\t')), line);
  return lines;
}

// With ZooKeeper Kafka does not have the protocol of KIP-848; here it is offered.
void offer_consumer_groups(Lines& kafka) {
  if (auto at = kafka.find("group.coordinator.rebalance.protocols"); at != kafka.end()) {
    at->second =
        "group.coordinator.rebalance.protocols\tclassic,consumer\tDEFAULT_CONFIG\tLIST\ttrue\tfalse"
        "\tDEFAULT_CONFIG:group.coordinator.rebalance.protocols=classic,consumer";
  }
}

void expect_same(Lines kafka, const Lines& ours) {
  offer_consumer_groups(kafka);
  EXPECT_GT(kafka.size(), 2U);
  for (const auto& [name, line] : kafka) {
    auto at = ours.find(name);
    ASSERT_NE(at, ours.end()) << name << " is missing";
    EXPECT_EQ(line, at->second);
  }
  for (const auto& [name, line] : ours)
    EXPECT_TRUE(kafka.contains(name) || is_millrace_key(name)) << name << " is not Kafka's";
}

BrokerConfiguration load(const std::string& name) {
  auto loaded = load_broker_configuration(posix_file_system(), folder + name, {}, "here");
  EXPECT_TRUE(loaded.has_value()) << (loaded ? "" : loaded.error().message);
  return loaded.value_or(BrokerConfiguration{});
}

BrokerConfigLayers tuned_layers(const BrokerConfiguration& fixed) {
  ConfigTexts cluster_wide{
      {"log.segment.bytes", "3145728"}, {"log.retention.ms", "5000000"}, {"message.max.bytes", "2000000"}};
  ConfigTexts of_broker{{"log.segment.bytes", "2097152"}, {"log.flush.interval.ms", "900"}};
  return BrokerConfigLayers(fixed, cluster_wide, of_broker);
}

TEST(GoldenConfigurations, APlainBrokerIsDescribedAsKafkaDescribesIt) {
  auto fixed = load("plain.properties");
  expect_same(lines_of(golden("plain.broker.tsv")), lines_of(describe_broker(BrokerConfigLayers(fixed))));
}

TEST(GoldenConfigurations, ATopicOfAPlainBrokerIsDescribedAsKafkaDescribesIt) {
  auto fixed = load("plain.properties");
  expect_same(lines_of(golden("plain.topic.tsv")), lines_of(describe_topic(BrokerConfigLayers(fixed), {})));
}

TEST(GoldenConfigurations, ABrokerWithStaticAndDynamicValuesIsDescribedAsKafkaDescribesIt) {
  auto fixed = load("tuned.properties");
  expect_same(lines_of(golden("tuned.broker.tsv")), lines_of(describe_broker(tuned_layers(fixed))));
}

TEST(GoldenConfigurations, TheDefaultsOfAllBrokersAreDescribedAsKafkaDescribesThem) {
  auto fixed = load("tuned.properties");
  expect_same(lines_of(golden("tuned.broker_defaults.tsv")), lines_of(describe_broker_defaults(tuned_layers(fixed))));
}

TEST(GoldenConfigurations, ATopicInheritsFromTheBrokerAsKafkaSaysIt) {
  auto fixed = load("tuned.properties");
  expect_same(lines_of(golden("tuned.topic.tsv")), lines_of(describe_topic(tuned_layers(fixed), {})));
}

TEST(GoldenConfigurations, ATopicWithOverridesIsDescribedAsKafkaDescribesIt) {
  auto fixed = load("tuned.properties");
  ConfigTexts overrides{{"segment.bytes", "1000000"},
                        {"preallocate", "TRUE"},
                        {"min.cleanable.dirty.ratio", "0.10"},
                        {"cleanup.policy", "delete"},
                        {"leader.replication.throttled.replicas", "0:7"},
                        {"retention.ms", "5000000"},
                        {"compression.type", "producer"},
                        {"message.timestamp.before.max.ms", "99"}};
  expect_same(lines_of(golden("tuned.overridden_topic.tsv")), lines_of(describe_topic(tuned_layers(fixed), overrides)));
}

// Pairs of lines: what was tried, then a tab with OK or the exception and its message.
TEST(GoldenConfigurations, TopicConfigurationsAreRefusedWithKafkasWords) {
  auto fixed = load("plain.properties");
  std::istringstream input(golden("topic_configs_answered.txt"));
  int tried_count = 0;
  for (std::string tried, answer; std::getline(input, tried) && std::getline(input, answer); ++tried_count) {
    ConfigTexts overrides;
    std::istringstream pairs(tried);
    for (std::string pair; std::getline(pairs, pair, '\t');)
      overrides.emplace(pair.substr(0, pair.find('=')), pair.substr(pair.find('=') + 1));
    auto checked = check_topic_configs(fixed.values, overrides);
    auto ours = checked ? "\tOK" : "\tInvalidConfigurationException\t" + checked.error().message;
    EXPECT_EQ(answer, ours) << tried;
  }
  EXPECT_GT(tried_count, 70);
}

}  // namespace
}  // namespace millrace::server

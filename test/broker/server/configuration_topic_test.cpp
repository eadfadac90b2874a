#include <gtest/gtest.h>

#include <string>

#include "broker/server/configuration/broker_config_layers.h"
#include "broker/server/configuration/broker_config_rows.h"
#include "broker/server/configuration/topic_configuration.h"

namespace millrace::server {
namespace {

BrokerConfiguration broker(ConfigPairs pairs = {}) {
  pairs.emplace_back("metadata.store", "embedded:/data/metadata");
  auto configuration = make_broker_configuration(pairs, "here");
  EXPECT_TRUE(configuration.has_value()) << (configuration ? "" : configuration.error().message);
  return configuration.value_or(BrokerConfiguration{});
}

TopicSettings settings(const ConfigPairs& pairs, const ConfigTexts& overrides = {}) {
  return topic_settings(broker(pairs).values, overrides);
}

TEST(TopicSettings, AreKafkasDefaultsWhereNobodySaysAnything) { EXPECT_EQ(settings({}), TopicSettings{}); }

TEST(TopicSettings, TakeTheTopicBeforeTheBrokerAndTheBrokerBeforeTheDefault) {
  EXPECT_EQ(settings({{"log.segment.bytes", "1000"}}).log.segment_bytes, 1000);
  EXPECT_EQ(settings({{"log.segment.bytes", "1000"}}, {{"segment.bytes", "2000"}}).log.segment_bytes, 2000);
  EXPECT_EQ(settings({{"message.max.bytes", "77"}}).log.max_message_bytes, 77);
  EXPECT_EQ(settings({{"min.insync.replicas", "2"}}).min_insync_replicas, 2);
}

TEST(TopicSettings, TakeTheFinestUnitThatIsSetForRetention) {
  constexpr std::int64_t hour_ms = 3'600'000;
  EXPECT_EQ(settings({{"log.retention.hours", "2"}}).log.retention_ms, 2 * hour_ms);
  EXPECT_EQ(settings({{"log.retention.hours", "2"}, {"log.retention.minutes", "3"}}).log.retention_ms, 180'000);
  EXPECT_EQ(settings({{"log.retention.ms", "5"}, {"log.retention.hours", "2"}, {"log.retention.minutes", "3"}})
                .log.retention_ms,
            5);
  EXPECT_EQ(settings({{"log.retention.hours", "-1"}}).log.retention_ms, -1);
  EXPECT_EQ(settings({{"log.retention.hours", "2147483647"}}).log.retention_ms, 2147483647 * hour_ms);
}

TEST(TopicSettings, TakeTheFinestUnitThatIsSetForRollAndJitter) {
  EXPECT_EQ(settings({{"log.roll.hours", "2"}, {"log.roll.jitter.hours", "1"}}).log.segment_ms, 7'200'000);
  EXPECT_EQ(settings({{"log.roll.hours", "2"}, {"log.roll.jitter.hours", "1"}}).log.segment_jitter_ms, 3'600'000);
  EXPECT_EQ(settings({{"log.roll.hours", "2"}, {"log.roll.ms", "9"}}).log.segment_ms, 9);
  EXPECT_EQ(settings({{"log.roll.jitter.hours", "2"}, {"log.roll.jitter.ms", "9"}}).log.segment_jitter_ms, 9);
}

TEST(TopicSettings, SyncAsOftenAsTheSchedulerWhereNoIntervalIsSet) {
  EXPECT_EQ(settings({{"log.flush.scheduler.interval.ms", "8"}}).log.flush_ms, 8);
  EXPECT_EQ(settings({{"log.flush.scheduler.interval.ms", "8"}, {"log.flush.interval.ms", "6"}}).log.flush_ms, 6);
}

TEST(TopicSettings, LetTheOldTimestampBoundStandInForTheNewOnes) {
  auto old = settings({{"log.message.timestamp.difference.max.ms", "5"}}).log;
  EXPECT_EQ(old.message_timestamp_before_max_ms, 5);
  EXPECT_EQ(old.message_timestamp_after_max_ms, 5);
  auto mixed =
      settings({}, {{"message.timestamp.difference.max.ms", "5"}, {"message.timestamp.after.max.ms", "6"}}).log;
  EXPECT_EQ(mixed.message_timestamp_before_max_ms, 5);
  EXPECT_EQ(mixed.message_timestamp_after_max_ms, 6);
}

TEST(TopicSettings, NameTheCodecAndTheLevelThatSomebodyChose) {
  auto compression = [](const ConfigTexts& overrides) { return settings({}, overrides).log.compression; };
  EXPECT_EQ(compression({{"compression.type", "producer"}}), std::nullopt);
  EXPECT_EQ(compression({{"compression.type", "uncompressed"}}), protocol::Codec::none);
  EXPECT_EQ(compression({{"compression.type", "zstd"}}), protocol::Codec::zstd);
  EXPECT_EQ(compression({{"compression.type", " gzip "}}), protocol::Codec::gzip);
  EXPECT_EQ(settings({{"compression.type", "lz4"}}).log.compression, protocol::Codec::lz4);
  auto level = [](const ConfigTexts& overrides) { return settings({}, overrides).log.compression_level; };
  EXPECT_EQ(level({{"compression.type", "lz4"}}), std::nullopt);
  EXPECT_EQ(level({{"compression.type", "lz4"}, {"compression.lz4.level", "3"}}), 3);
  EXPECT_EQ(level({{"compression.type", "gzip"}, {"compression.lz4.level", "3"}}), std::nullopt);
  EXPECT_EQ(level({{"compression.type", "snappy"}, {"compression.lz4.level", "3"}}), std::nullopt);
  EXPECT_EQ(settings({{"compression.gzip.level", "2"}}, {{"compression.type", "gzip"}}).log.compression_level, 2);
}

TEST(TopicSettings, UnderstandPoliciesAndTimestampTypes) {
  auto both = settings({}, {{"cleanup.policy", "compact , delete"}}).log;
  EXPECT_TRUE(both.compacted);
  EXPECT_TRUE(both.deleted_by_age_or_size);
  auto neither = settings({}, {{"cleanup.policy", ""}}).log;
  EXPECT_FALSE(neither.compacted);
  EXPECT_FALSE(neither.deleted_by_age_or_size);
  EXPECT_EQ(settings({}, {{"message.timestamp.type", "LogAppendTime"}}).log.message_timestamp_type,
            log::TimestampType::log_append_time);
  EXPECT_EQ(settings({}, {{"leader.replication.throttled.replicas", "0:1, 1:2"}}).leader_throttled_replicas,
            (std::vector<std::string>{"0:1", "1:2"}));
}

TEST(TopicSettings, PassOverAnOverrideThatIsWrongOrUnknown) {
  EXPECT_EQ(
      settings({{"log.segment.bytes", "1000"}}, {{"segment.bytes", "x"}, {"from.the.future", "1"}}).log.segment_bytes,
      1000);
}

TEST(TopicSettings, FollowTheDynamicValuesOfTheBroker) {
  auto fixed = broker({{"log.retention.hours", "2"}, {"log.segment.bytes", "1000"}});
  BrokerConfigLayers layers(fixed, {{"log.retention.ms", "9"}, {"log.segment.bytes", "2000"}},
                            {{"log.segment.bytes", "3000"}});
  EXPECT_EQ(topic_settings(layers.values(), {}).log.retention_ms, 9);
  EXPECT_EQ(topic_settings(layers.values(), {}).log.segment_bytes, 3000);
}

TEST(BrokerLayers, LeaveOutDynamicValuesThatAreWrongOrCannotChange) {
  auto fixed = broker({});
  BrokerConfigLayers layers(fixed,
                            {{"log.segment.bytes", "x"}, {"num.partitions", "3"}, {"listeners", "PLAINTEXT://:1"}},
                            {{"listeners", "PLAINTEXT://:2"}});
  EXPECT_EQ(layers.rejected().size(), 3U);
  EXPECT_EQ(layers.values().integer("num.partitions"), 1);
  EXPECT_EQ(layers.values().integer("log.segment.bytes"), 1'073'741'824);
  EXPECT_EQ(layers.values().string("listeners"), "PLAINTEXT://:2");
  EXPECT_EQ(layers.cluster_wide().size(), 0U);
}

TEST(BrokerLayers, FindTheKeyBehindTheKeyOfAListener) {
  EXPECT_EQ(base_of_listener_key("listener.name.internal.ssl.keystore.type"), "ssl.keystore.type");
  EXPECT_EQ(base_of_listener_key("listener.name.internal.plain.sasl.jaas.config"), "sasl.jaas.config");
  EXPECT_EQ(base_of_listener_key("listener.name.internal"), "");
  EXPECT_EQ(base_of_listener_key("listeners"), "");
}

TEST(TopicConfigurations, AreCheckedAgainstTheBrokersValuesOfOtherKeys) {
  auto values = broker({{"log.cleaner.max.compaction.lag.ms", "50"}}).values;
  auto checked = check_topic_configs(values, {{"min.compaction.lag.ms", "60"}});
  ASSERT_FALSE(checked.has_value());
  EXPECT_EQ(checked.error().message,
            "conflict topic config setting min.compaction.lag.ms (60) > max.compaction.lag.ms (50)");
  EXPECT_TRUE(check_topic_configs(values, {{"min.compaction.lag.ms", "40"}}).has_value());
  EXPECT_TRUE(check_topic_configs(values, {}).has_value());
}

TEST(TopicConfigurations, NameNullValuesAsKafkaDoes) {
  EXPECT_EQ(null_topic_configs_message({"retention.ms", "segment.ms"}),
            "Null value not supported for topic configs: retention.ms,segment.ms");
}

}  // namespace
}  // namespace millrace::server

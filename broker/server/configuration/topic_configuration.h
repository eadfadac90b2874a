// A topic's configuration: what the topic says, else what the broker says for all topics, else the default (Kafka: LogConfig,
// KafkaConfig.extractLogConfigMap). Values; any thread. topic_settings is computed once per change and then read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/config_table.h"
#include "broker/base/result.h"
#include "broker/log/log_config.h"
#include "broker/server/configuration/config_entry.h"

namespace millrace::server {

struct TopicSettings {
  log::LogConfig log;
  std::int32_t min_insync_replicas = 1;
  bool unclean_leader_election = false;
  // "partition:broker" each, or one "*".
  std::vector<std::string> leader_throttled_replicas;
  std::vector<std::string> follower_throttled_replicas;

  friend bool operator==(const TopicSettings&, const TopicSettings&) = default;
};

// What is in force for a topic with these overrides under a broker with these values. An override that is unknown or wrong (written
// by another version) is passed over: the broker's value holds.
TopicSettings topic_settings(const ConfigValues& broker, const ConfigTexts& overrides);

// The text in force for one key of topic_config_table, in Kafka's spelling.
std::string topic_config_text(const ConfigValues& broker, const ConfigTexts& overrides, std::string_view name);

// Checks what a request wants to set: every name, every value, and the keys that limit each other. `broker` gives the
// values of keys that are not set. Errors are invalid_argument with Kafka's words, for INVALID_CONFIG.
Status check_topic_configs(const ConfigValues& broker, const ConfigTexts& overrides);

// "Null value not supported for topic configs: a,b"; the handler has met nulls where texts must be.
std::string null_topic_configs_message(const std::vector<std::string>& names);

}  // namespace millrace::server

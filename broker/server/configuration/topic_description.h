// A topic's configuration as DescribeConfigs tells it (Kafka: ConfigHelper.createTopicConfigEntry). Any thread.
#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "broker/server/configuration/broker_config_layers.h"
#include "broker/server/configuration/config_entry.h"

namespace millrace::server {

// Every key of a topic, ordered by name.
std::vector<ConfigEntry> describe_topic(const BrokerConfigLayers& broker, const ConfigTexts& overrides);

// Of the topics of one request: those whose configuration is the same share one description. One thread.
class TopicDescriptions {
 public:
  explicit TopicDescriptions(std::shared_ptr<const BrokerConfigLayers> broker) : broker_(std::move(broker)) {}
  std::shared_ptr<const std::vector<ConfigEntry>> of(const ConfigTexts& overrides);

 private:
  const std::shared_ptr<const BrokerConfigLayers> broker_;
  std::map<ConfigTexts, std::shared_ptr<const std::vector<ConfigEntry>>> described_;
};

}  // namespace millrace::server

// A topic's configuration as DescribeConfigs tells it (Kafka: ConfigHelper.createTopicConfigEntry). Any thread.
#pragma once

#include <vector>

#include "broker/server/configuration/broker_config_layers.h"
#include "broker/server/configuration/config_entry.h"

namespace millrace::server {

// Every key of a topic, ordered by name.
std::vector<ConfigEntry> describe_topic(const BrokerConfigLayers& broker, const ConfigTexts& overrides);

}  // namespace millrace::server

// A broker's configuration as DescribeConfigs tells it (Kafka: ConfigHelper.createBrokerConfigEntry). Any thread.
#pragma once

#include <vector>

#include "broker/server/configuration/broker_config_layers.h"
#include "broker/server/configuration/config_entry.h"

namespace millrace::server {

// Everything of this broker, ordered by name. Includes Millrace's own keys.
std::vector<ConfigEntry> describe_broker(const BrokerConfigLayers& layers);

// What is set for all brokers at run time, ordered by name: the resource with an empty name.
std::vector<ConfigEntry> describe_broker_defaults(const BrokerConfigLayers& layers);

}  // namespace millrace::server

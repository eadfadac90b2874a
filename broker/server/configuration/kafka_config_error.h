// A refused configuration value in the words that Kafka's clients and tools know (org.apache.kafka.common.config.ConfigDef).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "broker/base/config_table.h"

namespace millrace::server {

// nullopt: the value is fine, as check_config_value (base) says it.
std::optional<std::string> kafka_config_error(const ConfigRow& row, std::string_view text);

}  // namespace millrace::server

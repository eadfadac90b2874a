// Which values of a broker may change at run time, and to what (Kafka: DynamicBrokerConfig.validateConfigs,
// DynamicThreadPool, LogCleaner, DynamicListenerConfig). Pure; any thread.
#pragma once

#include <string_view>

#include "broker/base/result.h"
#include "broker/server/configuration/config_alteration.h"

namespace millrace::server {

// Checks all that one level shall have, over what is in force on this broker. Errors are invalid_argument, in Kafka's
// words where it has a sentence for it.
Status check_dynamic_configs(const BrokerConfigLayers& current, BrokerConfigLevel level, const ConfigTexts& texts);

// Leaves out what the store has and this broker ignores: it would stand in the way of every further change.
void drop_invalid_dynamic_configs(BrokerConfigLevel level, ConfigTexts& texts);

// A password, with the prefix of a listener too.
bool is_dynamic_secret(std::string_view name);

}  // namespace millrace::server

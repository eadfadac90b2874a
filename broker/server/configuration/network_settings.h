// The bounds of the network layer from a broker's values: Kafka's key where it is set, else Millrace's.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "broker/base/config_table.h"
#include "broker/base/result.h"
#include "broker/network/network_config.h"
#include "broker/server/configuration/config_entry.h"

namespace millrace::server {

// Errors name the key, the value and what is allowed.
Result<network::NetworkConfig> network_settings(const ConfigValues& values);

// listener.name.<name>.max.connection.creation.rate of what has no row, by the listener's name in small letters. One
// that is no number of connections does not count.
std::map<std::string, double, std::less<>> listener_connection_rates(const ConfigTexts& unlisted);

}  // namespace millrace::server

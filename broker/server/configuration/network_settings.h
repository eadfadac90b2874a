// The bounds of the network layer from a broker's values: Kafka's key where it is set, else Millrace's.
#pragma once

#include "broker/base/config_table.h"
#include "broker/base/result.h"
#include "broker/network/network_config.h"

namespace millrace::server {

// Errors name the key, the value and what is allowed.
Result<network::NetworkConfig> network_settings(const ConfigValues& values);

}  // namespace millrace::server

// What bounds moves of replicas between log directories. Any thread.
#pragma once

#include <cstddef>

#include "broker/base/config_table.h"
#include "broker/server/configuration/broker_config_layers.h"

namespace millrace::server {

// num.replica.alter.log.dirs.threads; without a value, one for each log directory.
std::size_t concurrent_moves(const ConfigValues& values, std::size_t directories);
// replica.alter.log.dirs.io.max.bytes.per.second, which is set at run time only and is no key of server.properties (Kafka:
// DynamicConfig.Broker); without a value, as much as a number holds.
double move_rate(const BrokerConfigLayers& layers);

}  // namespace millrace::server

// Listeners that come, go and change at run time (Kafka: DynamicListenerConfig). Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "broker/base/result.h"
#include "broker/server/configuration/broker_config_layers.h"
#include "broker/server/configuration/listener.h"

namespace millrace::server {

// The listeners that are in force.
Result<ListenerConfiguration> listeners_of(const BrokerConfigLayers& layers);

// The rules of a change while the broker serves: all that holds at a start, and that a listener keeps its protocol
// and its own keys.
Status check_listener_change(const BrokerConfigLayers& now, const BrokerConfigLayers& next);

}  // namespace millrace::server

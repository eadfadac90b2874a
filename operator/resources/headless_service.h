// The headless Service that gives every broker its name in DNS. It publishes brokers that are not ready: a starting broker must
// reach itself and its peers by name before it can become ready.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "operator/api/kafka_cluster.h"

namespace millrace::resources {

[[nodiscard]] nlohmann::json headless_service(const api::KafkaCluster& cluster);

}  // namespace millrace::resources

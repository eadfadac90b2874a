// The brokers' ServiceAccount. Brokers never speak to the Kubernetes API, so it has no permissions and no token is mounted.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "operator/api/kafka_cluster.h"

namespace millrace::resources {

[[nodiscard]] nlohmann::json service_account(const api::KafkaCluster& cluster);

}  // namespace millrace::resources

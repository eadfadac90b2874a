// The Service of bootstrap.servers: any broker that is ready.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "operator/api/kafka_cluster.h"

namespace millrace::resources {

[[nodiscard]] nlohmann::json bootstrap_service(const api::KafkaCluster& cluster);
// What clients of the listener put into bootstrap.servers.
[[nodiscard]] std::string bootstrap_servers(const api::KafkaCluster& cluster, const api::ListenerSpec& listener);

}  // namespace millrace::resources

// The listeners as ports of services and of the broker's container.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "operator/api/kafka_cluster.h"

namespace millrace::resources {

// "tcp-internal": the part before the dash tells service meshes not to guess the protocol.
[[nodiscard]] std::string port_name(const api::ListenerSpec& listener);
[[nodiscard]] nlohmann::json service_ports(const api::KafkaClusterSpec& spec);
// The listeners' ports and the health checks'.
[[nodiscard]] nlohmann::json container_ports(const api::KafkaClusterSpec& spec);

}  // namespace millrace::resources

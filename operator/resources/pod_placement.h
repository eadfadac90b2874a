// Where a broker's pod may run: required zones, and a preference for nodes and zones without another broker of the cluster.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "operator/resources/broker.h"

namespace millrace::resources {

[[nodiscard]] nlohmann::json affinity(const Broker& broker);
[[nodiscard]] nlohmann::json topology_spread(const Broker& broker);
[[nodiscard]] nlohmann::json tolerations(const api::PodTemplateSpec& pod_template);

}  // namespace millrace::resources

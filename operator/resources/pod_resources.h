// CPU and memory of a broker's container: what the pool says, with defaults for what it leaves out.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "operator/api/kafka_cluster.h"

namespace millrace::resources {

// A default never contradicts what was given: a request above the default limit raises the limit, a limit below the default
// request lowers the request. There is no default CPU limit.
[[nodiscard]] nlohmann::json container_resources(const api::PoolSpec& pool);

}  // namespace millrace::resources

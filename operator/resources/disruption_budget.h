// How many brokers must stay up while nodes are drained. The number is absolute: a percentage rounds down to no protection.
#pragma once

#include <cstdint>

#include <nlohmann/json_fwd.hpp>

#include "operator/api/kafka_cluster.h"

namespace millrace::resources {

[[nodiscard]] nlohmann::json disruption_budget(const api::KafkaCluster& cluster);
// All brokers but one. 0 for a single broker: nothing can keep it available, so a drain need not wait for ever.
[[nodiscard]] std::int32_t min_available(std::int32_t broker_count);

}  // namespace millrace::resources

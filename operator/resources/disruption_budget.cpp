#include "operator/resources/disruption_budget.h"

#include <nlohmann/json.hpp>

#include "operator/resources/labels.h"
#include "operator/resources/names.h"
#include "operator/resources/object_metadata.h"

namespace millrace::resources {

std::int32_t min_available(std::int32_t broker_count) { return broker_count > 1 ? broker_count - 1 : 0; }

nlohmann::json disruption_budget(const api::KafkaCluster& cluster) {
  return {{"apiVersion", "policy/v1"},
          {"kind", "PodDisruptionBudget"},
          {"metadata", owned_metadata(cluster, brokers_name(cluster.name), brokers_labels(cluster.name))},
          {"spec",
           {{"minAvailable", min_available(cluster.spec.broker_count())},
            {"selector", {{"matchLabels", brokers_selector(cluster.name)}}}}}};
}

}  // namespace millrace::resources

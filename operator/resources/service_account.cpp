#include "operator/resources/service_account.h"

#include <nlohmann/json.hpp>

#include "operator/resources/labels.h"
#include "operator/resources/names.h"
#include "operator/resources/object_metadata.h"

namespace millrace::resources {

nlohmann::json service_account(const api::KafkaCluster& cluster) {
  return {{"apiVersion", "v1"},
          {"kind", "ServiceAccount"},
          {"metadata", owned_metadata(cluster, brokers_name(cluster.name), brokers_labels(cluster.name))},
          {"automountServiceAccountToken", false}};
}

}  // namespace millrace::resources

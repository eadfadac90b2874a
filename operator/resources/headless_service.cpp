#include "operator/resources/headless_service.h"

#include <nlohmann/json.hpp>

#include "operator/resources/labels.h"
#include "operator/resources/listener_ports.h"
#include "operator/resources/names.h"
#include "operator/resources/object_metadata.h"

namespace millrace::resources {

nlohmann::json headless_service(const api::KafkaCluster& cluster) {
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata", owned_metadata(cluster, brokers_name(cluster.name), brokers_labels(cluster.name))},
          {"spec",
           {{"type", "ClusterIP"},
            {"clusterIP", "None"},
            {"publishNotReadyAddresses", true},
            {"selector", brokers_selector(cluster.name)},
            {"ports", service_ports(cluster.spec)}}}};
}

}  // namespace millrace::resources

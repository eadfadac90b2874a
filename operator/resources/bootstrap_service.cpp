#include "operator/resources/bootstrap_service.h"

#include <nlohmann/json.hpp>

#include "operator/resources/labels.h"
#include "operator/resources/listener_ports.h"
#include "operator/resources/names.h"
#include "operator/resources/object_metadata.h"

namespace millrace::resources {

nlohmann::json bootstrap_service(const api::KafkaCluster& cluster) {
  return {
      {"apiVersion", "v1"},
      {"kind", "Service"},
      {"metadata", owned_metadata(cluster, bootstrap_service_name(cluster.name), brokers_labels(cluster.name))},
      {"spec",
       {{"type", "ClusterIP"}, {"selector", brokers_selector(cluster.name)}, {"ports", service_ports(cluster.spec)}}}};
}

std::string bootstrap_servers(const api::KafkaCluster& cluster, const api::ListenerSpec& listener) {
  return bootstrap_host(cluster.name, cluster.namespace_name, cluster.spec.cluster_domain) + ":" +
         std::to_string(listener.port);
}

}  // namespace millrace::resources

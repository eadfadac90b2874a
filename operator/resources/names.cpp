#include "operator/resources/names.h"

namespace millrace::resources {
namespace {

std::string dotted(std::string_view service, std::string_view namespace_name, std::string_view cluster_domain) {
  return std::string(service).append(".").append(namespace_name).append(".svc.").append(cluster_domain);
}

}  // namespace

std::string broker_name(std::string_view cluster, BrokerId id) {
  return std::string(cluster) + "-broker-" + std::to_string(id.value());
}

std::string broker_pod_name(std::string_view cluster, BrokerId id) { return broker_name(cluster, id) + "-0"; }

std::string claim_name(std::string_view cluster, BrokerId id, std::string_view volume) {
  return broker_name(cluster, id).append("-").append(volume);
}

std::string brokers_name(std::string_view cluster) { return std::string(cluster) + "-brokers"; }

std::string bootstrap_service_name(std::string_view cluster) { return std::string(cluster) + "-bootstrap"; }

std::string founding_record_name(std::string_view cluster) { return std::string(cluster) + "-founding"; }

std::string broker_host(std::string_view cluster, BrokerId id, std::string_view namespace_name,
                        std::string_view cluster_domain) {
  return broker_pod_name(cluster, id) + "." + dotted(brokers_name(cluster), namespace_name, cluster_domain);
}

std::string bootstrap_host(std::string_view cluster, std::string_view namespace_name, std::string_view cluster_domain) {
  return dotted(bootstrap_service_name(cluster), namespace_name, cluster_domain);
}

}  // namespace millrace::resources

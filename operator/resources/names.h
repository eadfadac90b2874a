// Names of a cluster's objects and of its brokers on the network. They are fixed for ever: claims are found by them, clients
// hold them. A cluster's name has at most 40 characters, so the longest (a pod's) fits 63.
#pragma once

#include <string>
#include <string_view>

#include "broker/base/types.h"

namespace millrace::resources {

[[nodiscard]] std::string broker_name(std::string_view cluster, BrokerId id);  // demo-broker-0: its StatefulSet
[[nodiscard]] std::string broker_pod_name(std::string_view cluster, BrokerId id);
[[nodiscard]] std::string claim_name(std::string_view cluster, BrokerId id, std::string_view volume);
[[nodiscard]] std::string brokers_name(
    std::string_view cluster);  // headless Service, ServiceAccount, PodDisruptionBudget
[[nodiscard]] std::string bootstrap_service_name(std::string_view cluster);
[[nodiscard]] std::string founding_record_name(std::string_view cluster);

// The broker's own name in DNS, which survives its pods.
[[nodiscard]] std::string broker_host(std::string_view cluster, BrokerId id, std::string_view namespace_name,
                                      std::string_view cluster_domain);
[[nodiscard]] std::string bootstrap_host(std::string_view cluster, std::string_view namespace_name,
                                         std::string_view cluster_domain);

}  // namespace millrace::resources

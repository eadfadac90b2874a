// Everything in the cluster's namespace that carries its label, read from the API server (not from a cache) at the start of a
// reconciliation: what the operator decides, it decides on what is there now.
#pragma once

#include <functional>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "broker/base/result.h"
#include "operator/api/kafka_cluster.h"

namespace millrace::kubernetes {
class KubernetesApi;
struct ResourceType;
}  // namespace millrace::kubernetes

namespace millrace::reconcile {

using ObjectsByName = std::map<std::string, nlohmann::json, std::less<>>;

struct ClusterObjects {
  ObjectsByName claims;
  ObjectsByName config_maps;
  ObjectsByName stateful_sets;
  ObjectsByName pods;
  ObjectsByName services;
  ObjectsByName service_accounts;
  ObjectsByName disruption_budgets;

  // The collection of a type; the type must be one of those above (invariant).
  [[nodiscard]] ObjectsByName& of(const kubernetes::ResourceType& type);
  [[nodiscard]] static const nlohmann::json* find(const ObjectsByName& objects, std::string_view name);
};

[[nodiscard]] Result<ClusterObjects> read_cluster_objects(kubernetes::KubernetesApi& api,
                                                          const api::KafkaCluster& cluster);

}  // namespace millrace::reconcile

// Everything in the cluster's namespace that carries its label, and the nodes of pods that do not serve, read from the
// API server (not from a cache) at the start of a reconciliation: what the operator decides, it decides on what is
// there now.
#pragma once

#include <functional>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "broker/base/result.h"
#include "operator/api/kafka_cluster.h"
#include "operator/status/broker_state.h"

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
  // Of pods that do not serve, the nodes that they are on.
  std::map<std::string, status::NodeState, std::less<>> nodes;

  // The collection of a type; the type must be one of those above (invariant).
  [[nodiscard]] ObjectsByName& of(const kubernetes::ResourceType& type);
  // Of the node that a pod is on.
  [[nodiscard]] status::NodeState node_of(const nlohmann::json& pod) const;
  [[nodiscard]] static const nlohmann::json* find(const ObjectsByName& objects, std::string_view name);
};

[[nodiscard]] Result<ClusterObjects> read_cluster_objects(kubernetes::KubernetesApi& api,
                                                          const api::KafkaCluster& cluster);

}  // namespace millrace::reconcile

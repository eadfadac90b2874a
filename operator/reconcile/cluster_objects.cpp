#include "operator/reconcile/cluster_objects.h"

#include <array>

#include "broker/base/check.h"
#include "operator/api/json_access.h"
#include "operator/kubernetes/api.h"
#include "operator/resources/labels.h"

namespace millrace::reconcile {

using Json = nlohmann::json;

ObjectsByName& ClusterObjects::of(const kubernetes::ResourceType& type) {
  if (type == kubernetes::persistent_volume_claims) return claims;
  if (type == kubernetes::config_maps) return config_maps;
  if (type == kubernetes::stateful_sets) return stateful_sets;
  if (type == kubernetes::pods) return pods;
  if (type == kubernetes::services) return services;
  if (type == kubernetes::service_accounts) return service_accounts;
  MILLRACE_INVARIANT(type == kubernetes::pod_disruption_budgets, "a type of object that clusters do not have");
  return disruption_budgets;
}

const Json* ClusterObjects::find(const ObjectsByName& objects, std::string_view name) {
  auto found = objects.find(name);
  return found == objects.end() ? nullptr : &found->second;
}

status::NodeState ClusterObjects::node_of(const Json& pod) const {
  auto found = nodes.find(api::text_at(pod, {"spec", "nodeName"}));
  return found == nodes.end() ? status::NodeState::unknown : found->second;
}

namespace {

// Without the right to read nodes, or without an answer, a node's state stays unknown: nothing waits for it.
status::NodeState read_node(kubernetes::KubernetesApi& api, const std::string& name) {
  auto node = api.get({kubernetes::nodes, "", name}, {});
  if (node) return status::judge_node(*node);
  return node.error().kind == ErrorKind::not_found ? status::NodeState::gone : status::NodeState::unknown;
}

void read_nodes(kubernetes::KubernetesApi& api, ClusterObjects& objects) {
  for (const auto& [name, pod] : objects.pods) {
    auto node = api::text_at(pod, {"spec", "nodeName"});
    if (node.empty() || status::serves(pod) || objects.nodes.contains(node)) continue;
    auto state = read_node(api, node);
    objects.nodes.emplace(std::move(node), state);
  }
}

}  // namespace

Result<ClusterObjects> read_cluster_objects(kubernetes::KubernetesApi& api, const api::KafkaCluster& cluster) {
  static constexpr std::array types = {
      kubernetes::persistent_volume_claims,
      kubernetes::config_maps,
      kubernetes::stateful_sets,
      kubernetes::pods,
      kubernetes::services,
      kubernetes::service_accounts,
      kubernetes::pod_disruption_budgets,
  };
  ClusterObjects objects;
  kubernetes::ListOptions options;
  options.namespace_name = cluster.namespace_name;
  options.label_selector = std::string(resources::cluster_label) + "=" + cluster.name;
  for (const auto& type : types) {
    auto& collection = objects.of(type);
    auto listed = api.list(type, options, [&](Json&& item) {
      // Half of every object is the history of its fields' owners.
      if (auto metadata = item.find("metadata"); metadata != item.end()) metadata->erase("managedFields");
      auto name = api::object_name(item);
      collection.insert_or_assign(std::move(name), std::move(item));
    });
    if (!listed) return tl::unexpected(listed.error());
  }
  read_nodes(api, objects);
  return objects;
}

}  // namespace millrace::reconcile

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
  return objects;
}

}  // namespace millrace::reconcile

#include "operator/reconcile/broker_objects.h"

#include <nlohmann/json.hpp>

#include "operator/api/json_access.h"
#include "operator/resources/names.h"
#include "operator/resources/pod_template.h"

namespace millrace::reconcile {

using Json = nlohmann::json;
using resources::Broker;

namespace {

std::vector<std::string> claim_names(const ClusterContext& context, const Broker& broker) {
  std::vector<std::string> names;
  names.reserve(broker.pool.volumes.size());
  for (const auto& volume : broker.pool.volumes) {
    names.push_back(resources::claim_name(context.cluster.name, broker.id, volume.name));
  }
  return names;
}

// A missing claim is why a pod is pending, whatever the scheduler says about it.
std::optional<std::string> missing_claim(const ClusterContext& context, const std::vector<std::string>& claims) {
  for (const auto& name : claims) {
    if (!context.objects.claims.contains(name)) return name;
  }
  return std::nullopt;
}

status::BrokerCondition judge(const ClusterContext& context, const Json* pod, const std::vector<std::string>& claims) {
  status::BrokerCondition condition{status::BrokerState::pending, "its pod is not there yet"};
  if (pod != nullptr) condition = status::judge_pod(*pod, context.objects.node_of(*pod), context.now);
  if (condition.state != status::BrokerState::pending) return condition;
  if (auto missing = missing_claim(context, claims)) condition.message = "its claim " + *missing + " is missing";
  return condition;
}

}  // namespace

const Json* find_stateful_set(const ClusterContext& context, const Broker& broker) {
  return ClusterObjects::find(context.objects.stateful_sets, resources::broker_name(context.cluster.name, broker.id));
}

const Json* find_pod(const ClusterContext& context, const Broker& broker) {
  return ClusterObjects::find(context.objects.pods, resources::broker_pod_name(context.cluster.name, broker.id));
}

std::string mounted_config(const Json& pod_or_template) {
  for (const auto& volume : api::json_at(pod_or_template, {"spec", "volumes"})) {
    if (api::text_at(volume, {"name"}) == "config") return api::text_at(volume, {"configMap", "name"});
  }
  return {};
}

std::string broker_image_of(const Json& pod_or_template) {
  for (const auto& container : api::json_at(pod_or_template, {"spec", "containers"})) {
    if (api::text_at(container, {"name"}) == resources::broker_container) return api::text_at(container, {"image"});
  }
  return {};
}

PodRevision pod_revision(const Json& stateful_set, const Json& pod) {
  auto seen = api::integer_at(stateful_set, {"status", "observedGeneration"}).value_or(0);
  auto generation = api::integer_at(stateful_set, {"metadata", "generation"}).value_or(0);
  auto latest = api::text_at(stateful_set, {"status", "updateRevision"});
  auto has = api::label(pod, "controller-revision-hash");
  if (seen < generation || latest.empty() || has.empty()) return PodRevision::unknown;
  return has == latest ? PodRevision::current : PodRevision::outdated;
}

std::vector<status::BrokerStatus> broker_statuses(const ClusterContext& context) {
  std::vector<status::BrokerStatus> all;
  for (const auto& broker : context.seen_brokers()) {
    status::BrokerStatus shown;
    shown.id = broker.id;
    shown.pool = broker.pool.name;
    shown.claims = claim_names(context, broker);
    for (const auto& name : shown.claims) {
      const Json* claim = ClusterObjects::find(context.objects.claims, name);
      auto volume = claim == nullptr ? std::string() : api::text_at(*claim, {"spec", "volumeName"});
      if (!volume.empty()) shown.volumes.push_back(volume);
    }
    const Json* pod = find_pod(context, broker);
    const Json* set = find_stateful_set(context, broker);
    if (set != nullptr) shown.pod = resources::broker_pod_name(context.cluster.name, broker.id);
    auto image = pod != nullptr   ? broker_image_of(*pod)
                 : set != nullptr ? broker_image_of(api::json_at(*set, {"spec", "template"}))
                                  : std::string();
    if (!image.empty()) shown.version = resources::image_version(image);
    if (pod != nullptr) shown.node = api::text_at(*pod, {"spec", "nodeName"});
    shown.condition = judge(context, pod, shown.claims);
    all.push_back(std::move(shown));
  }
  return all;
}

}  // namespace millrace::reconcile

#include "operator/resources/pod_placement.h"

#include <nlohmann/json.hpp>

#include "operator/resources/labels.h"

namespace millrace::resources {

using Json = nlohmann::json;

namespace {

constexpr const char* host_key = "kubernetes.io/hostname";
constexpr const char* zone_key = "topology.kubernetes.io/zone";

}  // namespace

Json affinity(const Broker& broker) {
  Json apart = {
      {"weight", 100},
      {"podAffinityTerm",
       {{"topologyKey", host_key}, {"labelSelector", {{"matchLabels", brokers_selector(broker.cluster.name)}}}}}};
  Json result = {{"podAntiAffinity", {{"preferredDuringSchedulingIgnoredDuringExecution", Json::array({apart})}}}};
  if (!broker.pool.zones.empty()) {
    Json in_zones = {{"key", zone_key}, {"operator", "In"}, {"values", broker.pool.zones}};
    Json term = {{"matchExpressions", Json::array({in_zones})}};
    result["nodeAffinity"] = {
        {"requiredDuringSchedulingIgnoredDuringExecution", {{"nodeSelectorTerms", Json::array({term})}}}};
  }
  return result;
}

Json topology_spread(const Broker& broker) {
  Json constraints = Json::array();
  for (const char* key : {zone_key, host_key}) {
    constraints.push_back({{"maxSkew", 1},
                           {"topologyKey", key},
                           {"whenUnsatisfiable", "ScheduleAnyway"},
                           {"labelSelector", {{"matchLabels", brokers_selector(broker.cluster.name)}}}});
  }
  return constraints;
}

Json tolerations(const api::PodTemplateSpec& pod_template) {
  Json all = Json::array();
  for (const auto& toleration : pod_template.tolerations) {
    Json item = Json::object();
    auto put = [&](const char* key, const std::string& value) {
      if (!value.empty()) item[key] = value;
    };
    put("key", toleration.key);
    put("operator", toleration.operator_name);
    put("value", toleration.value);
    put("effect", toleration.effect);
    if (toleration.toleration_seconds) item["tolerationSeconds"] = *toleration.toleration_seconds;
    all.push_back(std::move(item));
  }
  return all;
}

}  // namespace millrace::resources

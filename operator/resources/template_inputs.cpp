#include "operator/resources/template_inputs.h"

#include <nlohmann/json.hpp>

#include "operator/resources/content_hash.h"
#include "operator/resources/pod_placement.h"

namespace millrace::resources {

using Json = nlohmann::json;

namespace {

template <class T>
void put(Json& inputs, const char* key, const T& value) {
  Json json = value;
  bool absent =
      json.is_null() || ((json.is_object() || json.is_array()) && json.empty()) || (json.is_string() && json == "");
  if (!absent) inputs[key] = std::move(json);
}

Json amounts(const api::ResourceAmounts& amounts) {
  Json json = Json::object();
  if (amounts.cpu) json["cpu"] = amounts.cpu->text();
  if (amounts.memory) json["memory"] = amounts.memory->text();
  return json;
}

Json listeners(const api::KafkaClusterSpec& spec) {
  Json all = Json::array();
  for (const auto& listener : spec.listeners) {
    if (spec.listeners.size() == 1 && listener.name == "internal" && listener.port == 9092) continue;
    all.push_back({{"name", listener.name}, {"port", listener.port}});
  }
  return all;
}

Json pool_inputs(const api::PoolSpec& pool) {
  Json inputs = Json::object();
  put(inputs, "zones", pool.zones);
  put(inputs, "requests", amounts(pool.requests));
  put(inputs, "limits", amounts(pool.limits));
  put(inputs, "labels", pool.pod_template.labels);
  put(inputs, "annotations", pool.pod_template.annotations);
  put(inputs, "nodeSelector", pool.pod_template.node_selector);
  put(inputs, "tolerations", tolerations(pool.pod_template));
  Json volumes = Json::array();
  for (const auto& volume : pool.volumes) volumes.push_back(volume.name);
  if (volumes != Json::array({"data"})) inputs["volumes"] = volumes;
  return inputs;
}

}  // namespace

Json template_inputs(const Broker& broker) {
  const auto& spec = broker.cluster.spec;
  Json inputs = Json::object();
  put(inputs, "version", spec.version.value_or(""));
  put(inputs, "image", spec.image.value_or(""));
  put(inputs, "imagePullPolicy", spec.image_pull_policy == "IfNotPresent" ? "" : spec.image_pull_policy);
  put(inputs, "imagePullSecrets", spec.image_pull_secrets);
  put(inputs, "priorityClassName", spec.priority_class_name);
  put(inputs, "clusterDomain", spec.cluster_domain == "cluster.local" ? "" : spec.cluster_domain);
  put(inputs, "listeners", listeners(spec));
  put(inputs, "config", broker.config);
  put(inputs, "restartedAt", spec.rollout.restarted_at);
  put(inputs, "pool", pool_inputs(broker.pool));
  return inputs;
}

std::string spec_hash(const Broker& broker) { return content_hash(template_inputs(broker).dump()); }

}  // namespace millrace::resources

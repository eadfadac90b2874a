#include "operator/resources/pod_template.h"

#include <nlohmann/json.hpp>

#include "operator/resources/config_map.h"
#include "operator/resources/labels.h"
#include "operator/resources/listener_ports.h"
#include "operator/resources/names.h"
#include "operator/resources/pod_placement.h"
#include "operator/resources/pod_resources.h"
#include "operator/resources/server_properties.h"

namespace millrace::resources {

using Json = nlohmann::json;

namespace {

constexpr int termination_grace_s = 300;  // a clean stop writes every partition's state before it ends

Json http_probe(const char* path, int period_s, int timeout_s) {
  return {{"httpGet", {{"path", path}, {"port", "http"}, {"scheme", "HTTP"}}},
          {"periodSeconds", period_s},
          {"timeoutSeconds", timeout_s},
          {"failureThreshold", 3}};
}

Json volume_mounts(const Broker& broker) {
  Json mounts = Json::array({{{"name", "config"}, {"mountPath", config_directory}, {"readOnly", true}}});
  for (const auto& volume : broker.pool.volumes) {
    mounts.push_back({{"name", "volume-" + volume.name}, {"mountPath", volume_directory(volume)}});
  }
  return mounts;
}

Json volumes(const Broker& broker) {
  Json all = Json::array({{{"name", "config"}, {"configMap", {{"name", config_map_name(broker)}}}}});
  for (const auto& volume : broker.pool.volumes) {
    all.push_back(
        {{"name", "volume-" + volume.name},
         {"persistentVolumeClaim", {{"claimName", claim_name(broker.cluster.name, broker.id, volume.name)}}}});
  }
  return all;
}

Json container(const Broker& broker) {
  return {
      {"name", broker_container},
      {"image", broker.image},
      {"imagePullPolicy", broker.cluster.spec.image_pull_policy},
      {"args", {std::string(config_directory) + "/" + config_file}},
      {"ports", container_ports(broker.cluster.spec)},
      {"resources", container_resources(broker.pool)},
      {"livenessProbe", http_probe("/livez", 10, 5)},
      // Every second, so that a broker that is ready is not kept from its clients.
      {"readinessProbe", http_probe("/readyz", 1, 3)},
      // The last lines of a failed start become the pod's message, and from there the cluster's status.
      {"terminationMessagePolicy", "FallbackToLogsOnError"},
      {"securityContext",
       {{"allowPrivilegeEscalation", false}, {"readOnlyRootFilesystem", true}, {"capabilities", {{"drop", {"ALL"}}}}}},
      {"volumeMounts", volume_mounts(broker)}};
}

Json pod_security() {
  return {{"runAsNonRoot", true},
          {"runAsUser", broker_user},
          {"runAsGroup", broker_user},
          {"fsGroup", broker_user},
          {"fsGroupChangePolicy", "OnRootMismatch"},  // a walk over a full volume takes minutes
          {"seccompProfile", {{"type", "RuntimeDefault"}}}};
}

}  // namespace

Json pod_template(const Broker& broker) {
  const auto& spec = broker.cluster.spec;
  const auto& wanted = broker.pool.pod_template;
  Json metadata = {{"labels", wanted.labels}};
  metadata["labels"].update(broker_labels(broker.cluster.name, broker.pool.name, broker.id));
  if (!wanted.annotations.empty()) metadata["annotations"] = wanted.annotations;

  Json pod = {{"serviceAccountName", brokers_name(broker.cluster.name)},
              {"automountServiceAccountToken", false},
              {"enableServiceLinks", false},
              {"terminationGracePeriodSeconds", termination_grace_s},
              {"securityContext", pod_security()},
              {"affinity", affinity(broker)},
              {"topologySpreadConstraints", topology_spread(broker)},
              {"containers", Json::array({container(broker)})},
              {"volumes", volumes(broker)}};
  if (!wanted.node_selector.empty()) pod["nodeSelector"] = wanted.node_selector;
  if (!wanted.tolerations.empty()) pod["tolerations"] = tolerations(wanted);
  if (!spec.priority_class_name.empty()) pod["priorityClassName"] = spec.priority_class_name;
  for (const auto& secret : spec.image_pull_secrets) pod["imagePullSecrets"].push_back({{"name", secret}});
  return {{"metadata", std::move(metadata)}, {"spec", std::move(pod)}};
}

}  // namespace millrace::resources

#include "operator/resources/stateful_set.h"

#include <nlohmann/json.hpp>

#include "operator/resources/content_hash.h"
#include "operator/resources/labels.h"
#include "operator/resources/names.h"
#include "operator/resources/object_metadata.h"
#include "operator/resources/pod_template.h"
#include "operator/resources/template_inputs.h"

namespace millrace::resources {

using Json = nlohmann::json;

Json stateful_set(const Broker& broker) {
  const auto& cluster = broker.cluster.name;
  Json pod = pod_template(broker);
  Json metadata = owned_metadata(broker.cluster, broker_name(cluster, broker.id),
                                 broker_labels(cluster, broker.pool.name, broker.id));
  metadata["annotations"] = {{spec_hash_annotation, spec_hash(broker)},
                             {template_hash_annotation, content_hash(pod.dump())}};
  return {{"apiVersion", "apps/v1"},
          {"kind", "StatefulSet"},
          {"metadata", std::move(metadata)},
          {"spec",
           {{"replicas", 1},
            {"serviceName", brokers_name(cluster)},
            {"podManagementPolicy", "Parallel"},
            {"updateStrategy", {{"type", "OnDelete"}}},
            {"revisionHistoryLimit", 2},
            {"selector", {{"matchLabels", broker_selector(cluster, broker.id)}}},
            {"template", std::move(pod)}}}};
}

Json with_template_of(Json desired, const Json& live) {
  desired["spec"]["template"] = live.at("spec").at("template");
  const Json& had = live.at("metadata").value("annotations", Json::object());
  Json& annotations = desired["metadata"]["annotations"];
  annotations = Json::object();
  for (auto name : {spec_hash_annotation, template_hash_annotation, change_annotation}) {
    if (auto found = had.find(name); found != had.end()) annotations[name] = *found;
  }
  return desired;
}

}  // namespace millrace::resources

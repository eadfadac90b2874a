#include "operator/resources/claim.h"

#include <nlohmann/json.hpp>

#include "operator/resources/labels.h"
#include "operator/resources/names.h"
#include "operator/resources/object_metadata.h"

namespace millrace::resources {

using Json = nlohmann::json;

Json claim_labels(const Broker& broker) {
  Json labels = broker_labels(broker.cluster.name, broker.pool.name, broker.id);
  labels[cluster_id_label] = broker.cluster_id;
  return labels;
}

Json claim(const Broker& broker, const api::VolumeSpec& volume) {
  Json metadata = {{"name", claim_name(broker.cluster.name, broker.id, volume.name)},
                   {"namespace", broker.cluster.namespace_name},
                   {"labels", claim_labels(broker)}};
  if (broker.pool.delete_claim) metadata["ownerReferences"] = Json::array({owner_reference(broker.cluster)});
  Json spec = {{"accessModes", {"ReadWriteOnce"}}, {"resources", {{"requests", {{"storage", volume.size.text()}}}}}};
  if (volume.storage_class) spec["storageClassName"] = *volume.storage_class;
  return {{"apiVersion", "v1"},
          {"kind", "PersistentVolumeClaim"},
          {"metadata", std::move(metadata)},
          {"spec", std::move(spec)}};
}

}  // namespace millrace::resources

#include "operator/resources/object_metadata.h"

#include <nlohmann/json.hpp>

namespace millrace::resources {

using Json = nlohmann::json;

Json owner_reference(const api::KafkaCluster& cluster) {
  return {{"apiVersion", std::string(api::group) + "/" + std::string(api::version)},
          {"kind", api::kafka_cluster_kind},
          {"name", cluster.name},
          {"uid", cluster.uid},
          {"controller", true},
          {"blockOwnerDeletion", true}};
}

Json owned_metadata(const api::KafkaCluster& cluster, std::string name, Json labels) {
  return {{"name", std::move(name)},
          {"namespace", cluster.namespace_name},
          {"labels", std::move(labels)},
          {"ownerReferences", Json::array({owner_reference(cluster)})}};
}

}  // namespace millrace::resources

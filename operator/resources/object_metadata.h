// metadata of the objects that a KafkaCluster owns. Its labels and annotations are not copied: GitOps tools keep theirs there.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "operator/api/kafka_cluster.h"

namespace millrace::resources {

// Makes the garbage collector remove an object when the cluster is gone.
[[nodiscard]] nlohmann::json owner_reference(const api::KafkaCluster& cluster);
[[nodiscard]] nlohmann::json owned_metadata(const api::KafkaCluster& cluster, std::string name, nlohmann::json labels);

}  // namespace millrace::resources

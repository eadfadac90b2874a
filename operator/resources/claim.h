// A broker's PersistentVolumeClaim. It outlives the KafkaCluster unless its pool says deleteClaim: true.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "operator/resources/broker.h"

namespace millrace::resources {

[[nodiscard]] nlohmann::json claim(const Broker& broker, const api::VolumeSpec& volume);
[[nodiscard]] nlohmann::json claim_labels(const Broker& broker);

}  // namespace millrace::resources

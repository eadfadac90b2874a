// A broker's ConfigMap: immutable and named after its content, so that a running pod never sees half of a change and a pod that
// dies before its turn in a roll comes back with what it had.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "operator/resources/broker.h"

namespace millrace::resources {

[[nodiscard]] nlohmann::json config_map(const Broker& broker);
[[nodiscard]] std::string config_map_name(const Broker& broker);

}  // namespace millrace::resources

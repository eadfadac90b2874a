// What of a KafkaCluster a broker's pod is made from. Its hash is recorded with the template: while it stays the same, a newer
// operator that would write another template waits for the next roll, so that an upgrade restarts no broker.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "operator/resources/broker.h"

namespace millrace::resources {

// Only what differs from the schema's defaults, so that fields of later versions leave the hash as it is.
[[nodiscard]] nlohmann::json template_inputs(const Broker& broker);
[[nodiscard]] std::string spec_hash(const Broker& broker);

}  // namespace millrace::resources

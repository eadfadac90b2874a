// Altering the configuration of a resource on behalf of a request: checked, written through the controller's
// commands, and waited for until this broker shows it (Kafka: ConfigAdminManager.preprocess,
// ZkAdminManager.incrementalAlterConfigs).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/base/task.h"
#include "broker/protocol/config_resource.h"
#include "broker/server/configuration/config_alteration.h"

namespace millrace::server {

class RequestContext;

struct ResourceAlteration {
  protocol::ConfigResourceType type;
  std::string name;
  ConfigAlteration alteration;
};

// Answers in the order of the resources; nothing where it is done. A resource that stands twice is refused twice.
Task<std::vector<std::optional<ConfigRefusal>>> alter_resources(RequestContext& context,
                                                                std::vector<ResourceAlteration> resources,
                                                                bool validate_only);

}  // namespace millrace::server

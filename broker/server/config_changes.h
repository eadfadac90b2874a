// Altering the configuration of a resource on behalf of a request: checked, written through the controller's
// commands, and waited for until this broker shows it (Kafka: ConfigAdminManager.preprocess,
// ZkAdminManager.incrementalAlterConfigs).
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/task.h"
#include "broker/protocol/config_resource.h"
#include "broker/server/configuration/config_alteration.h"
#include "broker/server/request_context.h"

namespace millrace::server {

struct ResourceAlteration {
  protocol::ConfigResourceType type;
  std::string name;
  ConfigAlteration alteration;
};

// Answers in the order of the resources; nothing where it is done. A resource that stands twice is refused twice.
Task<std::vector<std::optional<ConfigRefusal>>> alter_resources(RequestContext& context,
                                                                std::vector<ResourceAlteration> resources,
                                                                bool validate_only);

// The answer to `resources`, of which `refusals` says what became of each: AlterConfigs and IncrementalAlterConfigs have
// the same.
template <class Response, class Resources>
Response alteration_response(const Resources& resources, std::vector<std::optional<ConfigRefusal>> refusals,
                             RequestContext& context) {
  Response response;
  for (std::size_t i = 0; i < refusals.size(); ++i) {
    auto& answer = response.responses.emplace_back();
    answer.resource_type = resources[i].resource_type;
    answer.resource_name = resources[i].resource_name;
    answer.error_message.reset();
    if (!refusals[i]) continue;
    answer.error_code = refusals[i]->code;
    if (refusals[i]->message) answer.error_message = context.keep(std::move(*refusals[i]->message));
  }
  return response;
}

}  // namespace millrace::server

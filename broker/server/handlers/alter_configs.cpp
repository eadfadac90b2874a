#include "broker/server/handlers/alter_configs.h"

#include <string>
#include <utility>
#include <vector>

#include "broker/server/config_changes.h"

namespace millrace::server {

Task<Result<std::optional<protocol::AlterConfigsResponse>>> AlterConfigsHandler::handle(const Request& request,
                                                                                        RequestContext& context) {
  std::vector<ResourceAlteration> wanted;
  for (const auto& resource : request.resources) {
    std::vector<ConfigChange> changes;
    for (const auto& config : resource.configs) {
      changes.push_back({std::string(config.name), protocol::ConfigOperation::set,
                         config.value ? std::optional(std::string(*config.value)) : std::nullopt});
    }
    wanted.push_back({resource.resource_type, std::string(resource.resource_name), {true, std::move(changes)}});
  }
  auto refusals = co_await alter_resources(context, std::move(wanted), request.validate_only);
  co_return alteration_response<Response>(request.resources, std::move(refusals), context);
}

}  // namespace millrace::server

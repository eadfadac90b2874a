#include "broker/server/handlers/incremental_alter_configs.h"

#include <string>
#include <utility>
#include <vector>

#include "broker/server/config_changes.h"
#include "broker/server/request_context.h"

namespace millrace::server {

Task<Result<std::optional<protocol::IncrementalAlterConfigsResponse>>> IncrementalAlterConfigsHandler::handle(
    const Request& request, RequestContext& context) {
  std::vector<ResourceAlteration> wanted;
  for (const auto& resource : request.resources) {
    std::vector<ConfigChange> changes;
    for (const auto& config : resource.configs) {
      changes.push_back({std::string(config.name), config.config_operation,
                         config.value ? std::optional(std::string(*config.value)) : std::nullopt});
    }
    wanted.push_back({resource.resource_type, std::string(resource.resource_name), {false, std::move(changes)}});
  }
  auto refusals = co_await alter_resources(context, std::move(wanted), request.validate_only);
  Response response;
  for (std::size_t i = 0; i < refusals.size(); ++i) {
    auto& answer = response.responses.emplace_back();
    answer.resource_type = request.resources[i].resource_type;
    answer.resource_name = request.resources[i].resource_name;
    answer.error_message.reset();
    if (!refusals[i]) continue;
    answer.error_code = refusals[i]->code;
    if (refusals[i]->message) answer.error_message = context.keep(std::move(*refusals[i]->message));
  }
  co_return response;
}

}  // namespace millrace::server

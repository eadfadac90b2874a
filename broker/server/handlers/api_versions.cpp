#include "broker/server/handlers/api_versions.h"

#include <string>

#include "broker/protocol/message.h"
#include "broker/server/handler_list.h"
#include "broker/server/request_context.h"

namespace millrace::server {

Task<Result<std::optional<protocol::ApiVersionsResponse>>> ApiVersionsHandler::handle(const Request& request,
                                                                                      RequestContext& context) {
  context.connection().client_software_name = std::string(request.client_software_name);
  context.connection().client_software_version = std::string(request.client_software_version);
  Response response;
  for (const auto& entry : handler_list())
    response.api_keys.push_back({entry.key, entry.versions.lowest, entry.versions.highest});
  co_return response;
}

Result<OutputChain> unsupported_api_versions(std::int32_t correlation_id) {
  const auto& versions = protocol::ApiVersionsRequest::versions;
  protocol::ApiVersionsResponse response;
  response.error_code = protocol::ErrorCode::unsupported_version;
  response.api_keys.push_back({protocol::ApiKey::api_versions, versions.lowest, versions.highest});
  return protocol::encode_response_frame(response, 0, correlation_id, protocol::FrameLength::left_out);
}

}  // namespace millrace::server

#include "broker/server/handlers/api_versions.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "broker/protocol/message.h"
#include "broker/server/handler_list.h"
#include "broker/server/request_context.h"

namespace millrace::server {
namespace {

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// Names and versions of client software end up in metrics and logs: letters and digits, with '-' and '.' between them
// (KIP-511).
bool is_software_word(std::string_view text) {
  return !text.empty() && is_letter_or_digit(text.front()) && is_letter_or_digit(text.back()) &&
         std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '-' || c == '.'; });
}

}  // namespace

Task<Result<std::optional<protocol::ApiVersionsResponse>>> ApiVersionsHandler::handle(const Request& request,
                                                                                      RequestContext& context) {
  constexpr protocol::Version first_version_with_software = 3;
  Response response;
  if (context.version() >= first_version_with_software &&
      !(is_software_word(request.client_software_name) && is_software_word(request.client_software_version))) {
    response.error_code = protocol::ErrorCode::invalid_request;
    co_return response;
  }
  context.connection().client_software_name = std::string(request.client_software_name);
  context.connection().client_software_version = std::string(request.client_software_version);
  for (const auto& entry : handler_list())
    response.api_keys.push_back({entry.key, entry.versions.lowest, entry.versions.highest});
  // No feature is ever finalized, as in a cluster with ZooKeeper: the first version of /feature stays.
  response.finalized_features_epoch = 0;
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

// ApiVersions: the handler list. A version that nobody knows is answered in version 0 with the versions of ApiVersions itself (KIP-511).
#pragma once

#include <cstdint>
#include <optional>

#include "broker/base/output_chain.h"
#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/api_versions.h"

namespace millrace::server {

class RequestContext;

struct ApiVersionsHandler {
  using Request = protocol::ApiVersionsRequest;
  using Response = protocol::ApiVersionsResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

// The answer, without its length, to a version of ApiVersions that this broker does not know: readable by every client.
Result<OutputChain> unsupported_api_versions(std::int32_t correlation_id);

}  // namespace millrace::server

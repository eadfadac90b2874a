// AlterConfigs: all that is set for topics and brokers is replaced (KIP-133).
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/alter_configs.h"

namespace millrace::server {

class RequestContext;

struct AlterConfigsHandler {
  using Request = protocol::AlterConfigsRequest;
  using Response = protocol::AlterConfigsResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server

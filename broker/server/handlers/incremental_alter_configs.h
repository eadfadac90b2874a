// IncrementalAlterConfigs: single values of topics, brokers and loggers are set, removed, and lists changed (KIP-339,
// KIP-412).
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/incremental_alter_configs.h"

namespace millrace::server {

class RequestContext;

struct IncrementalAlterConfigsHandler {
  using Request = protocol::IncrementalAlterConfigsRequest;
  using Response = protocol::IncrementalAlterConfigsResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server

// Heartbeat: a member is alive. Source: KafkaApis.handleHeartbeatRequest.
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/heartbeat.h"

namespace millrace::server {

class RequestContext;

struct HeartbeatHandler {
  using Request = protocol::HeartbeatRequest;
  using Response = protocol::HeartbeatResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server

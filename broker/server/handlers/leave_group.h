// LeaveGroup: members leave a group. Source: KafkaApis.handleLeaveGroupRequest.
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/leave_group.h"

namespace millrace::server {

class RequestContext;

struct LeaveGroupHandler {
  using Request = protocol::LeaveGroupRequest;
  using Response = protocol::LeaveGroupResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server

// JoinGroup: a member enters a group or its next generation; waits until the group has one (KIP-62, 134, 345, 394, 559, 800, 814). Source:
// KafkaApis.handleJoinGroupRequest.
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/join_group.h"

namespace millrace::server {

class RequestContext;

struct JoinGroupHandler {
  using Request = protocol::JoinGroupRequest;
  using Response = protocol::JoinGroupResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server

// SyncGroup: a member asks for its assignment, the leader hands all of them in; waits for the leader. Source: KafkaApis.handleSyncGroupRequest.
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/sync_group.h"

namespace millrace::server {

class RequestContext;

struct SyncGroupHandler {
  using Request = protocol::SyncGroupRequest;
  using Response = protocol::SyncGroupResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server

// DeleteGroups: groups without members are forgotten with their offsets (KIP-229). Source: KafkaApis.handleDeleteGroupsRequest.
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/delete_groups.h"

namespace millrace::server {

class RequestContext;

struct DeleteGroupsHandler {
  using Request = protocol::DeleteGroupsRequest;
  using Response = protocol::DeleteGroupsResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server

// ListGroups: the groups that this broker coordinates, on all its shards (KIP-518, 848). Source: KafkaApis.handleListGroupsRequest.
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/list_groups.h"

namespace millrace::server {

class RequestContext;

struct ListGroupsHandler {
  using Request = protocol::ListGroupsRequest;
  using Response = protocol::ListGroupsResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server

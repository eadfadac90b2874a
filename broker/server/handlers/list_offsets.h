// ListOffsets: partitions to their owners' shards, answers back in the request's order.
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/list_offsets.h"

namespace millrace::server {

class RequestContext;

struct ListOffsetsHandler {
  using Request = protocol::ListOffsetsRequest;
  using Response = protocol::ListOffsetsResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server

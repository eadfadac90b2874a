// FindCoordinator: the broker that leads the partition of an internal topic to which a group or a transactional id belongs. The topic is made
// when it is asked for first.
#pragma once

#include <optional>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/protocol/messages/find_coordinator.h"

namespace millrace::server {

class RequestContext;

struct FindCoordinatorHandler {
  using Request = protocol::FindCoordinatorRequest;
  using Response = protocol::FindCoordinatorResponse;
  static Task<Result<std::optional<Response>>> handle(const Request& request, RequestContext& context);
};

}  // namespace millrace::server

#include "broker/server/handlers/leave_group.h"

#include "broker/server/group_calls.h"

namespace millrace::server {

Task<Result<std::optional<protocol::LeaveGroupResponse>>> LeaveGroupHandler::handle(const Request& request,
                                                                                    RequestContext& context) {
  auto ask = [&request, version = context.version()](coordinator::GroupCoordinator& coordinator,
                                                     coordinator::GroupTime time) {
    return coordinator.leave(request, version, time);
  };
  co_return co_await ask_group(context, request.group_id, ask);
}

}  // namespace millrace::server

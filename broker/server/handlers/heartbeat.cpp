#include "broker/server/handlers/heartbeat.h"

#include "broker/server/group_calls.h"

namespace millrace::server {

Task<Result<std::optional<protocol::HeartbeatResponse>>> HeartbeatHandler::handle(const Request& request,
                                                                                  RequestContext& context) {
  auto ask = [&request](coordinator::GroupCoordinator& coordinator, coordinator::GroupTime time) {
    return coordinator.heartbeat(request, time);
  };
  Response response;
  response.error_code = co_await ask_group(context, request.group_id, ask);
  co_return response;
}

}  // namespace millrace::server

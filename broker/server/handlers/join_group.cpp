#include "broker/server/handlers/join_group.h"

#include <utility>

#include "broker/server/group_calls.h"

namespace millrace::server {

using coordinator::GroupCoordinator;
using coordinator::GroupTime;

Task<Result<std::optional<protocol::JoinGroupResponse>>> JoinGroupHandler::handle(const Request& request,
                                                                                  RequestContext& context) {
  const auto client = group_client(context);
  auto ask = [&request, client](GroupCoordinator& coordinator, auto answer, GroupTime time) {
    coordinator.join(request, client, std::move(answer), time);
  };
  co_return co_await answer_of_group<Response>(context, request.group_id, WhileWaiting::release_request, ask);
}

}  // namespace millrace::server

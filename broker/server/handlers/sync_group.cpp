#include "broker/server/handlers/sync_group.h"

#include <utility>

#include "broker/server/group_calls.h"

namespace millrace::server {

using coordinator::GroupCoordinator;
using coordinator::GroupTime;

namespace {

constexpr protocol::Version first_version_with_protocol = 5;

}  // namespace

Task<Result<std::optional<protocol::SyncGroupResponse>>> SyncGroupHandler::handle(const Request& request,
                                                                                  RequestContext& context) {
  if (context.version() >= first_version_with_protocol && (!request.protocol_type || !request.protocol_name)) {
    Response refused;
    refused.error_code = protocol::ErrorCode::inconsistent_group_protocol;
    co_return refused;
  }
  auto ask = [&request](GroupCoordinator& coordinator, auto answer, GroupTime time) {
    coordinator.sync(request, std::move(answer), time);
  };
  co_return co_await answer_of_group<Response>(context, request.group_id, WhileWaiting::release_request, ask);
}

}  // namespace millrace::server

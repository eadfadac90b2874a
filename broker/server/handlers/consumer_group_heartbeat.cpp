#include "broker/server/handlers/consumer_group_heartbeat.h"

#include <utility>

#include "broker/server/consumer_group_admission.h"
#include "broker/server/group_calls.h"

namespace millrace::server {

using coordinator::GroupCoordinator;
using coordinator::GroupTime;

Task<Result<std::optional<protocol::ConsumerGroupHeartbeatResponse>>> ConsumerGroupHeartbeatHandler::handle(
    const Request& request, RequestContext& context) {
  const auto client = group_client(context);
  const auto refusal = context.keep(refusal_of_new_members(context.image()));
  auto ask = [&request, client, refusal](GroupCoordinator& coordinator, auto answer, GroupTime time) {
    if (!refusal.empty() && is_new_member(coordinator.find_consumer(request.group_id), request)) {
      Response refused;
      refused.error_code = protocol::ErrorCode::unsupported_version;
      refused.error_message = refusal;
      return answer(refused);
    }
    coordinator.consumer_group_heartbeat(request, client, {}, std::move(answer), time);
  };
  co_return co_await answer_of_group<Response>(context, request.group_id, WhileWaiting::release_request, ask);
}

}  // namespace millrace::server

#include "broker/server/handlers/offset_delete.h"

#include <utility>

#include "broker/server/group_calls.h"
#include "broker/server/known_partitions.h"

namespace millrace::server {

using coordinator::GroupCoordinator;
using coordinator::GroupTime;

Task<Result<std::optional<protocol::OffsetDeleteResponse>>> OffsetDeleteHandler::handle(const Request& request,
                                                                                        RequestContext& context) {
  auto split = split_known_partitions(request, context.image());
  const Request& known = split.known_of(request);
  auto ask = [&known](GroupCoordinator& coordinator, auto answer, GroupTime time) {
    coordinator.delete_offsets(known, std::move(answer), time);
  };
  auto answered =
      co_await answer_of_group<Response>(context, request.group_id, WhileWaiting::keep_request, std::move(ask));
  if (!answered) co_return tl::unexpected(answered.error());
  // What concerns the group is said alone.
  if (answered->error_code != protocol::ErrorCode::none) co_return std::move(*answered);
  co_return merge_answers(std::move(split.refused), std::move(*answered));
}

}  // namespace millrace::server

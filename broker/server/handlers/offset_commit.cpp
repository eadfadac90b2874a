#include "broker/server/handlers/offset_commit.h"

#include <utility>

#include "broker/server/group_calls.h"
#include "broker/server/known_partitions.h"
#include "broker/server/znode_offset_requests.h"

namespace millrace::server {

using coordinator::GroupCoordinator;
using coordinator::GroupTime;

Task<Result<std::optional<protocol::OffsetCommitResponse>>> OffsetCommitHandler::handle(const Request& request,
                                                                                        RequestContext& context) {
  auto split = split_known_partitions(request, context.image());
  const Request& known = split.known_of(request);
  if (known.topics.empty()) co_return std::move(split.refused);
  if (context.version() == 0)
    co_return merge_answers(std::move(split.refused), co_await commit_to_znodes(known, context));
  auto ask = [&known, version = context.version()](GroupCoordinator& coordinator, auto answer, GroupTime time) {
    coordinator.commit(known, version, std::move(answer), time);
  };
  auto answered =
      co_await answer_of_group<Response>(context, request.group_id, WhileWaiting::keep_request, std::move(ask));
  if (!answered) co_return tl::unexpected(answered.error());
  co_return merge_answers(std::move(split.refused), std::move(*answered));
}

}  // namespace millrace::server

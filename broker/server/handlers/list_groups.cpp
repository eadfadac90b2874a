#include "broker/server/handlers/list_groups.h"

#include <numeric>
#include <utility>
#include <vector>

#include "broker/server/fan_out.h"
#include "broker/server/group_calls.h"

namespace millrace::server {

namespace {

using protocol::ErrorCode;
using protocol::ListGroupsRequest;
using protocol::ListGroupsResponse;

// What one shard says, which views nothing of its coordinators.
EncodedAnswer list(coordinator::GroupTable& table, const ListGroupsRequest& request, protocol::Version version) {
  ListGroupsResponse all;
  table.call_each([&](coordinator::GroupCoordinator& coordinator, coordinator::GroupTime /*time*/) {
    auto some = coordinator.list(request);
    if (some.error_code != ErrorCode::none) all.error_code = some.error_code;
    all.groups.insert(all.groups.end(), some.groups.begin(), some.groups.end());
  });
  return protocol::encode(all, version);
}

}  // namespace

Task<Result<std::optional<protocol::ListGroupsResponse>>> ListGroupsHandler::handle(const Request& request,
                                                                                    RequestContext& context) {
  auto& services = context.services();
  const auto version = context.version();
  std::vector<ShardId> shards(services.shards.size());
  std::iota(shards.begin(), shards.end(), ShardId{0});
  std::vector<EncodedAnswer> lists(shards.size());
  co_await fan_out(context.shard(), services.shards, shards, [&](ShardId shard, std::size_t index, Job arrive) {
    lists[index] = list(services.coordinators.groups(shard), request, version);
    arrive();
  });
  Response response;
  AnswerMemory memory(context);
  for (auto& encoded : lists) {
    auto some = decode_answer<Response>(context, std::move(encoded), version, memory);
    if (!some) co_return tl::unexpected(some.error());
    if (some->error_code != ErrorCode::none) response.error_code = some->error_code;
    response.groups.insert(response.groups.end(), some->groups.begin(), some->groups.end());
  }
  co_return response;
}

}  // namespace millrace::server

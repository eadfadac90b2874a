#include "broker/server/handlers/delete_groups.h"

#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/server/fan_out.h"
#include "broker/server/group_calls.h"

namespace millrace::server {

namespace {

struct Deletion {
  std::string_view group_id;
  GroupPlace place;
  protocol::ErrorCode error = protocol::ErrorCode::none;
};

// Each group once, however often it is named.
std::vector<Deletion> deletions_of(const protocol::DeleteGroupsRequest& request, RequestContext& context) {
  std::vector<Deletion> deletions;
  std::set<std::string_view> seen;
  for (const auto group_id : request.groups_names) {
    if (seen.insert(group_id).second) deletions.push_back({group_id, place_of_group(context, group_id)});
  }
  return deletions;
}

}  // namespace

Task<Result<std::optional<protocol::DeleteGroupsResponse>>> DeleteGroupsHandler::handle(const Request& request,
                                                                                        RequestContext& context) {
  auto& services = context.services();
  auto deletions = deletions_of(request, context);
  std::vector<ShardId> owners;
  owners.reserve(deletions.size());
  for (const auto& deletion : deletions) owners.push_back(deletion.place.shard);
  co_await fan_out(context.shard(), services.shards, owners, [&](ShardId shard, std::size_t index, Job arrive) {
    auto& deletion = deletions[index];
    services.coordinators.groups(shard).call(
        deletion.place.partition, [&](coordinator::GroupCoordinator& coordinator, coordinator::GroupTime time) {
          auto answer = [&deletion, &owner = services.shards.at(shard),
                         arrive = std::move(arrive)](protocol::ErrorCode error) mutable {
            deletion.error = error;
            owner.post(std::move(arrive));  // whoever goes on must not come back into this call
          };
          coordinator.delete_group(deletion.group_id, std::move(answer), time);
        });
  });
  Response response;
  for (const auto& deletion : deletions) response.results.push_back({deletion.group_id, deletion.error});
  co_return response;
}

}  // namespace millrace::server

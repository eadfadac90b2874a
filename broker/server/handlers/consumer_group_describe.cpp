#include "broker/server/handlers/consumer_group_describe.h"

#include <string_view>
#include <utility>
#include <vector>

#include "broker/server/authorized_operations.h"
#include "broker/server/fan_out.h"
#include "broker/server/group_calls.h"

namespace millrace::server {

namespace {

using protocol::ConsumerGroupDescribeResponse;

struct Description {
  GroupPlace place;
  EncodedAnswer answer{};
};

EncodedAnswer encoded(const ConsumerGroupDescribeResponse::Group& group, protocol::Version version) {
  ConsumerGroupDescribeResponse response;
  response.groups.push_back(group);
  return protocol::encode(response, version);
}

}  // namespace

Task<Result<std::optional<ConsumerGroupDescribeResponse>>> ConsumerGroupDescribeHandler::handle(
    const Request& request, RequestContext& context) {
  auto& services = context.services();
  const auto version = context.version();
  std::vector<Description> descriptions;
  std::vector<ShardId> owners;
  for (const auto group_id : request.group_ids) {
    descriptions.push_back({place_of_group(context, group_id)});
    owners.push_back(descriptions.back().place.shard);
  }
  co_await fan_out(context.shard(), services.shards, owners, [&](ShardId shard, std::size_t index, Job arrive) {
    auto& description = descriptions[index];
    // The answer comes from within the coordinator, to which nobody may come back before it has returned.
    auto answer = [&description, &owner = services.shards.at(shard), version,
                   arrive = std::move(arrive)](const ConsumerGroupDescribeResponse::Group& group) mutable {
      description.answer = encoded(group, version);
      owner.post(std::move(arrive));
    };
    services.coordinators.groups(shard).call(
        description.place.partition, [&](coordinator::GroupCoordinator& coordinator, coordinator::GroupTime time) {
          coordinator.consumer_group_describe(request.group_ids[index], std::move(answer), time);
        });
  });
  Response response;
  AnswerMemory memory(context);
  for (auto& description : descriptions) {
    auto answered = decode_answer<Response>(context, std::move(description.answer), version, memory);
    if (!answered) co_return tl::unexpected(answered.error());
    auto& group = response.groups.emplace_back(std::move(answered->groups.front()));
    if (request.include_authorized_operations && group.error_code == protocol::ErrorCode::none)
      group.authorized_operations = all_group_operations;
  }
  co_return response;
}

}  // namespace millrace::server

// Descriptions of many groups, each by its coordinator, in the order of the request (Kafka: KafkaApis.handleDescribeGroupsRequest and
// handleConsumerGroupDescribe). Called by handlers, on their shard.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "broker/server/authorized_operations.h"
#include "broker/server/fan_out.h"
#include "broker/server/group_calls.h"

namespace millrace::server {

// describe(coordinator, group_id, answer, time) on the coordinator's shard; the answer is a callable for const Response::Group&, called once, at
// once or later. `group_ids` outlives the task. Errors: there is no memory for the answers.
template <class Response, class Describe>
Task<Result<Response>> describe_groups(RequestContext& context, const std::vector<std::string_view>& group_ids,
                                       bool with_operations, Describe describe) {
  struct Description {
    GroupPlace place;
    EncodedAnswer encoded{};
  };
  auto& services = context.services();
  const auto version = context.version();
  std::vector<Description> descriptions;
  std::vector<ShardId> owners;
  for (const auto group_id : group_ids) {
    descriptions.push_back({place_of_group(context, group_id)});
    owners.push_back(descriptions.back().place.shard);
  }
  co_await fan_out(context.shard(), services.shards, owners, [&](ShardId shard, std::size_t index, Job arrive) {
    auto& description = descriptions[index];
    // The answer comes from within the coordinator, to which nobody may come back before it has returned.
    auto answer = [&description, &owner = services.shards.at(shard), version,
                   arrive = std::move(arrive)](const typename Response::Group& group) mutable {
      Response one;
      one.groups.push_back(group);
      description.encoded = protocol::encode(one, version);
      owner.post(std::move(arrive));
    };
    services.coordinators.groups(shard).call(
        description.place.partition, [&](coordinator::GroupCoordinator& coordinator, coordinator::GroupTime time) {
          describe(coordinator, group_ids[index], std::move(answer), time);
        });
  });
  Response response;
  AnswerMemory memory(context);
  for (auto& description : descriptions) {
    auto answered = decode_answer<Response>(context, std::move(description.encoded), version, memory);
    if (!answered) co_return tl::unexpected(answered.error());
    auto& group = response.groups.emplace_back(std::move(answered->groups.front()));
    if (with_operations && group.error_code == protocol::ErrorCode::none)
      group.authorized_operations = all_group_operations;
  }
  co_return response;
}

}  // namespace millrace::server

#include "broker/server/handlers/offset_fetch.h"

#include <utility>
#include <vector>

#include "broker/server/fan_out.h"
#include "broker/server/group_calls.h"
#include "broker/server/znode_offset_requests.h"

namespace millrace::server {

namespace {

using protocol::ErrorCode;
using protocol::OffsetFetchRequest;
using protocol::OffsetFetchResponse;

constexpr protocol::Version first_version_with_groups = 8;
constexpr protocol::Version first_version_with_group_error = 2;
// In which answers travel between shards: it has all that is asked for here.
constexpr protocol::Version travel_version = 9;

// The group of an older request as one of a new one.
OffsetFetchRequest::Group only_group(const OffsetFetchRequest& request) {
  OffsetFetchRequest::Group group;
  group.group_id = request.group_id;
  if (!request.topics) {
    group.topics.reset();
    return group;
  }
  for (const auto& topic : *request.topics) group.topics->push_back({topic.name, {}, topic.partition_indexes});
  return group;
}

// Version 1 has no place for what concerns the group, so each partition says it.
void add_errors(const OffsetFetchRequest& request, ErrorCode error, OffsetFetchResponse& response) {
  if (!request.topics) return;
  for (const auto& topic : *request.topics) {
    if (topic.partition_indexes.empty()) continue;
    auto& answered = response.topics.emplace_back();
    answered.name = topic.name;
    for (const auto index : topic.partition_indexes) {
      auto& partition = answered.partitions.emplace_back();
      partition.partition_index = index;
      partition.committed_offset = Offset::none();
      partition.error_code = error;
    }
  }
}

OffsetFetchResponse in_old_shape(const OffsetFetchRequest& request, const OffsetFetchResponse::Group& group,
                                 protocol::Version version) {
  OffsetFetchResponse response;
  response.error_code = group.error_code;
  if (group.error_code != ErrorCode::none && version < first_version_with_group_error) {
    add_errors(request, group.error_code, response);
    return response;
  }
  for (const auto& topic : group.topics) {
    auto& answered = response.topics.emplace_back();
    answered.name = topic.name;
    for (const auto& each : topic.partitions) {
      answered.partitions.push_back(
          {each.partition_index, each.committed_offset, each.committed_leader_epoch, each.metadata, each.error_code});
    }
  }
  return response;
}

// One group's part of the request and of the answer.
struct Lookup {
  const OffsetFetchRequest::Group* group;
  GroupPlace place;
  EncodedAnswer answer{};
};

EncodedAnswer fetch(coordinator::GroupCoordinator& coordinator, const OffsetFetchRequest::Group& group,
                    bool require_stable) {
  OffsetFetchResponse response;
  response.groups.push_back(coordinator.fetch(group, require_stable));
  return protocol::encode(response, travel_version);
}

// To be awaited.
auto fetch_all(std::vector<Lookup>& lookups, bool require_stable, RequestContext& context) {
  auto& coordinators = context.services().coordinators;
  std::vector<ShardId> owners;
  owners.reserve(lookups.size());
  for (const auto& lookup : lookups) owners.push_back(lookup.place.shard);
  auto visit = [&lookups, &coordinators, require_stable](ShardId shard, std::size_t index, Job arrive) {
    auto& lookup = lookups[index];
    lookup.answer = coordinators.groups(shard).call(
        lookup.place.partition, [&](coordinator::GroupCoordinator& coordinator, coordinator::GroupTime /*time*/) {
          return fetch(coordinator, *lookup.group, require_stable);
        });
    arrive();
  };
  return fan_out(context.shard(), context.services().shards, std::move(owners), std::move(visit));
}

}  // namespace

Task<Result<std::optional<protocol::OffsetFetchResponse>>> OffsetFetchHandler::handle(const Request& request,
                                                                                      RequestContext& context) {
  if (context.version() == 0) co_return co_await fetch_from_znodes(request, context);
  const bool has_groups = context.version() >= first_version_with_groups;
  const auto only = has_groups ? Request::Group{} : only_group(request);
  std::vector<Lookup> lookups;
  if (has_groups) {
    lookups.reserve(request.groups.size());
    for (const auto& group : request.groups) lookups.push_back({&group, place_of_group(context, group.group_id)});
  } else {
    lookups.push_back({&only, place_of_group(context, only.group_id)});
  }
  co_await fetch_all(lookups, request.require_stable, context);
  Response response;
  AnswerMemory memory(context);
  for (auto& lookup : lookups) {
    auto answered = decode_answer<Response>(context, std::move(lookup.answer), travel_version, memory);
    if (!answered) co_return tl::unexpected(answered.error());
    auto& group = answered->groups.front();
    if (!has_groups) co_return in_old_shape(request, group, context.version());
    response.groups.push_back(std::move(group));
  }
  co_return response;
}

}  // namespace millrace::server

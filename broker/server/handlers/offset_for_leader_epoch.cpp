#include "broker/server/handlers/offset_for_leader_epoch.h"

#include <string_view>
#include <vector>

#include "broker/metadata/cluster_image.h"
#include "broker/replication/error_translation.h"
#include "broker/replication/replica_manager.h"
#include "broker/server/answer_memory.h"
#include "broker/server/fan_out.h"
#include "broker/server/request_context.h"

namespace millrace::server {
namespace {

using protocol::ErrorCode;
using WantedPartition = protocol::OffsetForLeaderEpochRequest::Topic::Partition;

struct Lookup {
  std::string_view topic;
  const WantedPartition* wanted;
  ErrorCode error = ErrorCode::none;
  log::EpochEndOffset found;
};

}  // namespace

Task<Result<std::optional<protocol::OffsetForLeaderEpochResponse>>> OffsetForLeaderEpochHandler::handle(
    const Request& request, RequestContext& context) {
  auto& services = context.services();
  std::vector<Lookup> lookups;
  std::vector<ShardId> owners;
  AnswerMemory memory(context);
  for (const auto& topic : request.topics) {
    const auto bytes_per_partition = sizeof(Lookup) + sizeof(ShardId) + sizeof(Response::Topic::Partition);
    if (auto paid = memory.add(topic.partitions.size() * bytes_per_partition); !paid)
      co_return tl::unexpected(paid.error());
    const auto known = context.image().topic(topic.topic);
    for (const auto& wanted : topic.partitions) {
      const bool exists = known != nullptr && known->partition(wanted.partition) != nullptr;
      lookups.push_back({topic.topic, &wanted, exists ? ErrorCode::none : ErrorCode::unknown_topic_or_partition, {}});
      owners.push_back(exists ? replication::owner_of(topic.topic, wanted.partition, services.shards.size())
                              : no_owner);
    }
  }
  co_await fan_out(context.shard(), services.shards, owners, [&](ShardId shard, std::size_t index, Job arrive) {
    auto& lookup = lookups[index];
    auto& table = services.replicas.table(shard);
    auto partition = table.find(lookup.topic, lookup.wanted->partition);
    if (partition == nullptr) {
      lookup.error = error_code_of(table.is_offline(lookup.topic, lookup.wanted->partition)
                                       ? replication::PartitionRefusal::offline
                                       : replication::PartitionRefusal::not_leader);
      return arrive();
    }
    partition->behind(context.connection().id, [&lookup, partition, arrive = std::move(arrive)]() mutable {
      auto found = partition->end_offset_for_epoch(lookup.wanted->current_leader_epoch, lookup.wanted->leader_epoch);
      if (found) {
        lookup.found = *found;
      } else {
        lookup.error = error_code_of(found.error());
      }
      arrive();
    });
  });
  Response response;
  std::size_t next = 0;
  for (const auto& topic : request.topics) {
    auto& answered = response.topics.emplace_back();
    answered.topic = topic.topic;
    for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
      const auto& lookup = lookups[next++];
      auto& answer = answered.partitions.emplace_back();
      answer.partition = lookup.wanted->partition;
      answer.error_code = lookup.error;
      answer.leader_epoch = lookup.found.leader_epoch;
      answer.end_offset = lookup.found.end_offset;
    }
  }
  co_return response;
}

}  // namespace millrace::server

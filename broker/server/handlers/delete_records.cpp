#include "broker/server/handlers/delete_records.h"

#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/controller/topic_name.h"
#include "broker/metadata/cluster_image.h"
#include "broker/replication/error_translation.h"
#include "broker/replication/replica_manager.h"
#include "broker/server/fan_out.h"
#include "broker/server/request_context.h"

namespace millrace::server {
namespace {

using protocol::ErrorCode;

struct Deletion {
  std::string_view topic;
  PartitionIndex partition;
  Offset offset;
  ErrorCode error = ErrorCode::none;
  Offset low_watermark = Offset::none();
};

std::vector<Deletion> deletions_of(const protocol::DeleteRecordsRequest& request) {
  std::vector<Deletion> deletions;
  std::map<std::pair<std::string_view, PartitionIndex>, std::size_t> known;
  for (const auto& topic : request.topics) {
    for (const auto& wanted : topic.partitions) {
      auto [at, added] = known.try_emplace({topic.name, wanted.partition_index}, deletions.size());
      if (added) deletions.push_back({topic.name, wanted.partition_index, wanted.offset});
      deletions[at->second].offset = wanted.offset;
    }
  }
  return deletions;
}

ErrorCode check(const Deletion& deletion, const metadata::ClusterImage& image) {
  const auto topic = image.topic(deletion.topic);
  if (topic == nullptr || topic->partition(deletion.partition) == nullptr) return ErrorCode::unknown_topic_or_partition;
  return controller::is_internal_topic(deletion.topic) ? ErrorCode::invalid_topic_exception : ErrorCode::none;
}

protocol::DeleteRecordsResponse answer_of(const std::vector<Deletion>& deletions) {
  protocol::DeleteRecordsResponse response;
  std::map<std::string_view, std::size_t> topics;
  for (const auto& deletion : deletions) {
    auto [at, added] = topics.try_emplace(deletion.topic, response.topics.size());
    if (added) response.topics.emplace_back().name = deletion.topic;
    auto& answer = response.topics[at->second].partitions.emplace_back();
    answer.partition_index = deletion.partition;
    answer.low_watermark = deletion.low_watermark;
    answer.error_code = deletion.error;
  }
  return response;
}

}  // namespace

Task<Result<std::optional<protocol::DeleteRecordsResponse>>> DeleteRecordsHandler::handle(const Request& request,
                                                                                          RequestContext& context) {
  auto& services = context.services();
  auto deletions = deletions_of(request);
  std::vector<ShardId> owners;
  for (auto& deletion : deletions) {
    deletion.error = check(deletion, context.image());
    owners.push_back(deletion.error == ErrorCode::none
                         ? replication::owner_of(deletion.topic, deletion.partition, services.shards.size())
                         : no_owner);
  }
  co_await fan_out(context.shard(), services.shards, owners, [&](ShardId shard, std::size_t index, Job arrive) {
    auto& deletion = deletions[index];
    auto& table = services.replicas.table(shard);
    auto partition = table.find(deletion.topic, deletion.partition);
    if (partition == nullptr) {
      deletion.error = error_code_of(table.is_offline(deletion.topic, deletion.partition)
                                         ? replication::PartitionRefusal::offline
                                         : replication::PartitionRefusal::not_leader);
      return arrive();
    }
    partition->behind(context.connection().id, [&deletion, partition, arrive = std::move(arrive)]() mutable {
      if (auto low_watermark = partition->delete_records(deletion.offset)) {
        deletion.low_watermark = *low_watermark;
      } else {
        deletion.error = error_code_of(low_watermark.error());
      }
      arrive();
    });
  });
  co_return answer_of(deletions);
}

}  // namespace millrace::server

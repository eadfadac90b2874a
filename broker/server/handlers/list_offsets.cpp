#include "broker/server/handlers/list_offsets.h"

#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/metadata/cluster_image.h"
#include "broker/replication/error_translation.h"
#include "broker/replication/replica_manager.h"
#include "broker/server/fan_out.h"
#include "broker/server/request_context.h"

namespace millrace::server {
namespace {

using protocol::ErrorCode;
using WantedPartition = protocol::ListOffsetsRequest::Topic::Partition;
using AnsweredPartition = protocol::ListOffsetsResponse::Topic::Partition;

constexpr protocol::Version first_version_with_epochs = 4;

struct Lookup {
  std::string_view topic;
  const WantedPartition* wanted;
  ErrorCode refusal = ErrorCode::none;
  replication::PartitionOffsetOutcome outcome = log::TimestampOffset{};
};

// Partitions that the request names more than once. Version 0 takes them as they come.
using Name = std::pair<std::string_view, PartitionIndex>;
std::set<Name> named_twice(const protocol::ListOffsetsRequest& request, protocol::Version version) {
  std::set<Name> seen;
  std::set<Name> twice;
  if (version == 0) return twice;
  for (const auto& topic : request.topics) {
    for (const auto& wanted : topic.partitions) {
      if (!seen.emplace(topic.name, wanted.partition_index).second) twice.emplace(topic.name, wanted.partition_index);
    }
  }
  return twice;
}

ErrorCode check_lookup(const WantedPartition& wanted, const metadata::TopicImage* topic, bool duplicate,
                       protocol::Version version) {
  if (duplicate) return ErrorCode::invalid_request;
  // A spec that the request's version does not know (Kafka: KafkaApis.handleListOffsetRequest).
  const auto spec = wanted.timestamp.value();
  bool unknown_spec = spec < log::OffsetSpec::latest_tiered.value() ||
                      (spec == log::OffsetSpec::max_timestamp.value() && version < 7) ||
                      (spec == log::OffsetSpec::earliest_local.value() && version < 8) ||
                      (spec == log::OffsetSpec::latest_tiered.value() && version < 9);
  if (unknown_spec) return ErrorCode::unsupported_version;
  if (topic == nullptr || topic->partition(wanted.partition_index) == nullptr)
    return ErrorCode::unknown_topic_or_partition;
  if (version == 0 && wanted.max_num_offsets < 0) return ErrorCode::unknown_server_error;
  return ErrorCode::none;
}

AnsweredPartition answer_of(const Lookup& lookup, protocol::Version version) {
  AnsweredPartition answer;
  answer.partition_index = lookup.wanted->partition_index;
  answer.error_code = lookup.refusal;
  if (lookup.refusal != ErrorCode::none) return answer;
  if (!lookup.outcome) {
    answer.error_code = error_code_of(lookup.outcome.error());
    return answer;
  }
  if (version == 0) {
    if (lookup.outcome->offset != Offset::none() && lookup.wanted->max_num_offsets > 0) {
      answer.old_style_offsets.push_back(lookup.outcome->offset);
    }
    return answer;
  }
  answer.timestamp = lookup.outcome->timestamp;
  answer.offset = lookup.outcome->offset;
  if (version >= first_version_with_epochs) answer.leader_epoch = lookup.outcome->leader_epoch;
  return answer;
}

}  // namespace

Task<Result<std::optional<protocol::ListOffsetsResponse>>> ListOffsetsHandler::handle(const Request& request,
                                                                                      RequestContext& context) {
  auto& services = context.services();
  std::vector<Lookup> lookups;
  std::vector<ShardId> owners;
  const auto twice = named_twice(request, context.version());
  for (const auto& topic : request.topics) {
    auto known = context.image().topic(topic.name);
    for (const auto& wanted : topic.partitions) {
      bool duplicate = twice.contains({topic.name, wanted.partition_index});
      auto& lookup = lookups.emplace_back(Lookup{topic.name, &wanted});
      lookup.refusal = check_lookup(wanted, known.get(), duplicate, context.version());
      owners.push_back(lookup.refusal == ErrorCode::none
                           ? replication::owner_of(topic.name, wanted.partition_index, services.shards.size())
                           : no_owner);
    }
  }
  const bool read_committed = request.isolation_level == protocol::IsolationLevel::read_committed;
  const auto source = context.connection().id;
  auto visit = [&](ShardId shard, std::size_t index, Job arrive) {
    auto& lookup = lookups[index];
    auto& table = services.replicas.table(shard);
    auto partition = table.find(lookup.topic, lookup.wanted->partition_index);
    if (!partition) {
      lookup.refusal = error_code_of(table.is_offline(lookup.topic, lookup.wanted->partition_index)
                                         ? replication::PartitionRefusal::offline
                                         : replication::PartitionRefusal::not_leader);
      return arrive();
    }
    partition->find_offset({lookup.wanted->timestamp, lookup.wanted->current_leader_epoch, read_committed, source},
                           [&lookup, arrive = std::move(arrive)](replication::PartitionOffsetOutcome outcome) mutable {
                             lookup.outcome = std::move(outcome);
                             arrive();
                           });
  };
  co_await fan_out(context.shard(), services.shards, owners, std::move(visit));

  Response response;
  std::size_t next = 0;
  for (const auto& topic : request.topics) {
    auto& answered = response.topics.emplace_back();
    answered.name = topic.name;
    for (std::size_t i = 0; i < topic.partitions.size(); ++i)
      answered.partitions.push_back(answer_of(lookups[next++], context.version()));
  }
  co_return response;
}

}  // namespace millrace::server

#include "broker/server/handlers/produce.h"

#include <string>
#include <utility>
#include <vector>

#include "broker/metadata/cluster_image.h"
#include "broker/protocol/record_batch.h"
#include "broker/replication/replica_manager.h"
#include "broker/server/error_translation.h"
#include "broker/server/fan_out.h"
#include "broker/server/request_context.h"

namespace millrace::server {
namespace {

using protocol::ErrorCode;
using protocol::ProduceRequest;
using protocol::ProduceResponse;
using PartitionResponse = ProduceResponse::Topic::Partition;

constexpr std::int16_t acks_all = -1;
constexpr protocol::Version first_version_with_zstd = 7;

// One partition of the request on its way to its owner and back.
struct Append {
  std::string_view topic;
  PartitionIndex partition;
  MutableBytes records;
  ErrorCode refusal = ErrorCode::none;  // set: it goes nowhere
  replication::PartitionAppendOutcome outcome = tl::unexpected(replication::AppendFailure{});
};

// What can be refused without asking the partition's owner.
ErrorCode check_request(const ProduceRequest& request, protocol::NullableBytes records,
                        const metadata::PartitionImage* partition, protocol::Version version) {
  if (partition == nullptr) return ErrorCode::unknown_topic_or_partition;
  if (!records || records->empty()) return ErrorCode::invalid_record;
  auto header = protocol::parse_batch_header(*records);
  if (header && header->attributes.codec() == protocol::Codec::zstd && version < first_version_with_zstd) {
    return ErrorCode::unsupported_compression_type;
  }
  // No coordinator serves transactions yet, so none of them can be open.
  if (request.transactional_id) return ErrorCode::invalid_txn_state;
  return ErrorCode::none;
}

std::vector<Append> appends_of(const ProduceRequest& request, RequestContext& context) {
  std::vector<Append> appends;
  for (const auto& topic : request.topic_data) {
    const auto known = context.image().topic(topic.name);
    for (const auto& partition : topic.partition_data) {
      Append append{topic.name, partition.index, {}};
      const auto* image = known ? known->partition(partition.index) : nullptr;
      append.refusal = check_request(request, partition.records, image, context.version());
      if (append.refusal == ErrorCode::none) append.records = context.writable(*partition.records);
      appends.push_back(std::move(append));
    }
  }
  return appends;
}

PartitionResponse response_of(const Append& append, RequestContext& context) {
  PartitionResponse response;
  response.index = append.partition;
  response.base_offset = Offset::none();
  response.error_code = append.refusal;
  if (append.refusal != ErrorCode::none) return response;
  if (append.outcome) {
    response.base_offset = append.outcome->base_offset;
    response.log_append_time_ms = append.outcome->log_append_time;
    response.log_start_offset = append.outcome->log_start_offset;
    return response;
  }
  const auto& failure = append.outcome.error();
  response.error_code = error_code_of(failure);
  if (!failure.error.message.empty()) response.error_message = context.keep(failure.error.message);
  for (const auto& record : failure.error.record_errors) {
    response.record_errors.push_back({record.index, context.keep(record.message)});
  }
  return response;
}

Task<bool> append_all(std::vector<Append>& appends, bool all_replicas, RequestContext& context) {
  auto& replicas = context.services().replicas;
  auto& shards = context.services().shards;
  const auto now = context.shard().clock().wall_clock();
  std::vector<ShardId> owners;
  owners.reserve(appends.size());
  for (const auto& append : appends) {
    owners.push_back(append.refusal == ErrorCode::none
                         ? replication::owner_of(append.topic, append.partition, shards.size())
                         : no_owner);
  }
  auto visit = [&](ShardId shard, std::size_t index, Job arrive) {
    auto& append = appends[index];
    auto& table = replicas.table(shard);
    auto partition = table.find(append.topic, append.partition);
    if (!partition) {
      append.outcome = tl::unexpected(replication::AppendFailure{table.is_offline(append.topic, append.partition)
                                                                     ? replication::PartitionRefusal::offline
                                                                     : replication::PartitionRefusal::not_leader,
                                                                 {}});
      return arrive();
    }
    partition->append({append.records, now, all_replicas},
                      [&append, arrive = std::move(arrive)](replication::PartitionAppendOutcome outcome) mutable {
                        append.outcome = std::move(outcome);
                        arrive();
                      });
  };
  co_return co_await fan_out(context.shard(), shards, owners, std::move(visit));
}

}  // namespace

Task<Result<std::optional<ProduceResponse>>> ProduceHandler::handle(const Request& request, RequestContext& context) {
  auto appends = appends_of(request, context);
  if (request.acks < acks_all || request.acks > 1) {
    for (auto& append : appends) append.refusal = ErrorCode::invalid_required_acks;
  }
  co_await append_all(appends, request.acks == acks_all, context);

  Response response;
  std::size_t next = 0;
  ErrorCode first_error = ErrorCode::none;
  for (const auto& topic : request.topic_data) {
    auto& answered = response.responses.emplace_back();
    answered.name = topic.name;
    answered.partition_responses.reserve(topic.partition_data.size());
    for (std::size_t i = 0; i < topic.partition_data.size(); ++i) {
      answered.partition_responses.push_back(response_of(appends[next++], context));
      auto code = answered.partition_responses.back().error_code;
      if (first_error == ErrorCode::none) first_error = code;
    }
  }
  if (request.acks != 0) co_return response;
  if (first_error != ErrorCode::none) {
    co_return fail(ErrorKind::invalid_argument, "produce with acks=0 failed with " +
                                                    std::string(protocol::to_string(first_error)) +
                                                    ", which only closing can tell");
  }
  co_return std::optional<Response>();
}

}  // namespace millrace::server

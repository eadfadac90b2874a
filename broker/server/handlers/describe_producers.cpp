#include "broker/server/handlers/describe_producers.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/controller/topic_name.h"
#include "broker/metadata/cluster_image.h"
#include "broker/replication/error_translation.h"
#include "broker/replication/replica_manager.h"
#include "broker/server/answer_memory.h"
#include "broker/server/fan_out.h"
#include "broker/server/request_context.h"

namespace millrace::server {
namespace {

using protocol::ErrorCode;
using ActiveProducer = protocol::DescribeProducersResponse::Topic::Partition::ActiveProducer;

constexpr std::string_view unknown_topic = "This server does not host this topic-partition.";

struct Lookup {
  std::string_view topic;
  PartitionIndex partition;
  ErrorCode error = ErrorCode::none;
  std::vector<ActiveProducer> producers;
};

// A small request may name a partition of many producers many times: what the answer holds is bounded as what requests
// hold is.
class ProducersMemory {
 public:
  explicit ProducersMemory(std::uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  [[nodiscard]] std::uint64_t used_bytes() const { return used_bytes_; }
  [[nodiscard]] bool is_exceeded() const { return used_bytes_ > limit_bytes_; }
  bool take(std::uint64_t size_bytes) { return (used_bytes_ += size_bytes) <= limit_bytes_; }

 private:
  const std::uint64_t limit_bytes_;
  std::atomic<std::uint64_t> used_bytes_ = 0;  // by the shards of the partitions
};

ActiveProducer describe(const log::ProducerEntry& entry) {
  ActiveProducer producer;
  producer.producer_id = entry.id;
  producer.producer_epoch = entry.epoch.value();
  producer.last_sequence = entry.last_sequence();
  producer.last_timestamp = entry.last_timestamp;
  producer.coordinator_epoch = entry.coordinator_epoch;
  producer.current_txn_start_offset = entry.transaction_first_offset.value_or(Offset::none());
  return producer;
}

void describe_all(const std::vector<log::ProducerEntry>& entries, ProducersMemory& memory, Lookup& lookup) {
  if (!memory.take(entries.size() * sizeof(ActiveProducer))) return;
  lookup.producers.reserve(entries.size());
  for (const auto& entry : entries) lookup.producers.push_back(describe(entry));
}

}  // namespace

Task<Result<std::optional<protocol::DescribeProducersResponse>>> DescribeProducersHandler::handle(
    const Request& request, RequestContext& context) {
  auto& services = context.services();
  Response response;
  std::vector<Lookup> lookups;
  std::vector<ShardId> owners;
  AnswerMemory lookup_memory(context);
  for (const auto& topic : request.topics) {
    const auto wanted = topic.partition_indexes.size();
    const auto bytes_per_partition = sizeof(Lookup) + sizeof(ShardId) + sizeof(Response::Topic::Partition);
    if (auto paid = lookup_memory.add(wanted * bytes_per_partition); !paid) co_return tl::unexpected(paid.error());
    auto& answered = response.topics.emplace_back();
    answered.name = topic.name;
    auto valid = controller::check_topic_name(topic.name);
    protocol::NullableString invalid;
    if (!valid) {
      // Each of its partitions is answered with it.
      invalid = context.keep(valid.error().message);
      if (auto paid = lookup_memory.add(wanted * invalid->size()); !paid) co_return tl::unexpected(paid.error());
    }
    const auto known = context.image().topic(topic.name);
    for (auto index : topic.partition_indexes) {
      auto& answer = answered.partitions.emplace_back();
      answer.partition_index = index;
      auto& lookup = lookups.emplace_back(Lookup{topic.name, index, ErrorCode::none, {}});
      if (!valid) {
        lookup.error = ErrorCode::invalid_topic_exception;
        answer.error_message = invalid;
      } else if (known == nullptr) {
        lookup.error = ErrorCode::unknown_topic_or_partition;
        answer.error_message = unknown_topic;
      } else if (known->partition(index) == nullptr) {
        lookup.error = ErrorCode::unknown_topic_or_partition;
      }
      owners.push_back(lookup.error == ErrorCode::none
                           ? replication::owner_of(topic.name, index, services.shards.size())
                           : no_owner);
    }
  }
  ProducersMemory memory(std::min(services.configuration.network.request_arrays_max_bytes, context.arrays_max_bytes()));
  co_await fan_out(context.shard(), services.shards, owners, [&](ShardId shard, std::size_t index, Job arrive) {
    auto& lookup = lookups[index];
    auto& table = services.replicas.table(shard);
    auto partition = table.find(lookup.topic, lookup.partition);
    if (partition == nullptr) {
      lookup.error =
          error_code_of(table.is_offline(lookup.topic, lookup.partition) ? replication::PartitionRefusal::offline
                                                                         : replication::PartitionRefusal::not_leader);
      return arrive();
    }
    partition->behind(context.connection().id, [&lookup, &memory, partition, arrive = std::move(arrive)]() mutable {
      if (!memory.is_exceeded()) describe_all(partition->log()->producers(), memory, lookup);
      arrive();
    });
  });
  if (memory.is_exceeded() || !context.charge_arrays(memory.used_bytes()))
    co_return fail(ErrorKind::resource_exhausted,
                   "there is no memory for the producers of all the partitions asked for");
  std::size_t next = 0;
  for (auto& topic : response.topics) {
    for (auto& answer : topic.partitions) {
      auto& lookup = lookups[next++];
      answer.error_code = lookup.error;
      answer.active_producers = std::move(lookup.producers);
    }
  }
  co_return response;
}

}  // namespace millrace::server

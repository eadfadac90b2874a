#include "broker/server/handlers/describe_transactions.h"

#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "broker/server/answer_memory.h"
#include "broker/server/coordinators.h"
#include "broker/server/fan_out.h"
#include "broker/server/request_context.h"
#include "broker/server/transaction_calls.h"

namespace millrace::server {
namespace {

using coordinator::TransactionCoordinator;
using coordinator::TransactionMetadata;
using protocol::ErrorCode;
using Response = protocol::DescribeTransactionsResponse;
using State = Response::TransactionState;
using Described = tl::expected<TransactionMetadata, ErrorCode>;

struct Lookup {
  PartitionIndex partition;
  Described described = tl::unexpected(ErrorCode::not_coordinator);
};

Described describe(coordinator::TransactionTable& table, PartitionIndex partition, std::string_view transactional_id) {
  auto found = table.ask(partition, [&](const TransactionCoordinator& coordinator) -> Described {
    const auto known = coordinator.describe(transactional_id);
    if (!known) return tl::unexpected(known.error());
    return **known;
  });
  return found ? std::move(*found) : tl::unexpected(found.error());
}

// Its partitions are in order: those of a topic are neighbours.
Result<State> state_of(std::string_view transactional_id, Described described, RequestContext& context,
                       AnswerMemory& memory) {
  State state;
  state.transactional_id = transactional_id;
  if (!described) {
    state.error_code = described.error();
    return state;
  }
  state.transaction_state = coordinator::to_string(described->state);
  state.transaction_timeout_ms = described->timeout_ms;
  state.transaction_start_time_ms = described->start;
  state.producer_id = described->producer_id;
  state.producer_epoch = described->producer_epoch;
  for (auto& partition : described->partitions) {
    if (auto paid = memory.add(sizeof(TopicPartition) + partition.topic.size()); !paid)
      return tl::unexpected(paid.error());
    if (state.topics.empty() || state.topics.back().topic != partition.topic)
      state.topics.emplace_back().topic = context.keep(std::move(partition.topic));
    state.topics.back().partitions.push_back(partition.partition);
  }
  return state;
}

}  // namespace

Task<Result<std::optional<Response>>> DescribeTransactionsHandler::handle(const Request& request,
                                                                          RequestContext& context) {
  auto& services = context.services();
  AnswerMemory memory(context);
  const auto bytes_per_id = sizeof(Lookup) + sizeof(ShardId) + sizeof(State);
  if (auto paid = memory.add(request.transactional_ids.size() * bytes_per_id); !paid)
    co_return tl::unexpected(paid.error());
  std::vector<Lookup> lookups;
  std::vector<ShardId> owners;
  for (const auto& id : request.transactional_ids) {
    const auto place = transaction_coordinator_of(context, id);
    lookups.push_back({place.partition});
    owners.push_back(place.shard);
  }
  co_await fan_out(
      context.shard(), services.shards, std::move(owners), [&](ShardId shard, std::size_t index, Job arrive) {
        auto& lookup = lookups[index];
        lookup.described =
            describe(services.coordinators.transactions(shard), lookup.partition, request.transactional_ids[index]);
        arrive();
      });
  Response response;
  for (std::size_t index = 0; index < lookups.size(); ++index) {
    auto state = state_of(request.transactional_ids[index], std::move(lookups[index].described), context, memory);
    if (!state) co_return tl::unexpected(state.error());
    response.transaction_states.push_back(std::move(*state));
  }
  co_return response;
}

}  // namespace millrace::server

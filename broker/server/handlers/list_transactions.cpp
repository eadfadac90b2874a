#include "broker/server/handlers/list_transactions.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "broker/server/answer_memory.h"
#include "broker/server/coordinators.h"
#include "broker/server/fan_out.h"
#include "broker/server/request_context.h"

namespace millrace::server {
namespace {

using coordinator::ListedTransaction;
using coordinator::TransactionFilter;
using protocol::ErrorCode;
using Response = protocol::ListTransactionsResponse;
using Listed = tl::expected<std::vector<ListedTransaction>, ErrorCode>;

// What is asked for; names that are no states go into the answer.
TransactionFilter filter_of(const protocol::ListTransactionsRequest& request, Response& response) {
  TransactionFilter filter;
  filter.producer_ids.assign(request.producer_id_filters.begin(), request.producer_id_filters.end());
  std::ranges::sort(filter.producer_ids);
  filter.duration_ms = request.duration_filter;
  if (request.state_filters.empty()) return filter;
  auto& states = filter.states.emplace();
  for (const auto& name : request.state_filters) {
    if (const auto state = coordinator::transaction_state_of(name)) {
      if (std::ranges::find(states, *state) == states.end()) states.push_back(*state);
    } else {
      response.unknown_state_filters.push_back(name);
    }
  }
  auto& unknown = response.unknown_state_filters;
  std::ranges::sort(unknown);
  unknown.erase(std::ranges::unique(unknown).begin(), unknown.end());
  return filter;
}

}  // namespace

Task<Result<std::optional<Response>>> ListTransactionsHandler::handle(const Request& request, RequestContext& context) {
  auto& services = context.services();
  Response response;
  const auto filter = filter_of(request, response);
  std::vector<ShardId> owners(services.shards.size());
  for (std::size_t id = 0; id < owners.size(); ++id) owners[id] = static_cast<ShardId>(id);
  std::vector<Listed> of_shards(owners.size());
  co_await fan_out(context.shard(), services.shards, owners, [&](ShardId shard, std::size_t index, Job arrive) {
    of_shards[index] = services.coordinators.transactions(shard).list(filter);
    arrive();
  });
  AnswerMemory memory(context);
  for (auto& listed : of_shards) {
    if (!listed) {
      // Nothing else is said while one of them loads.
      Response refused;
      refused.error_code = listed.error();
      co_return refused;
    }
    for (auto& transaction : *listed) {
      const auto bytes =
          sizeof(Response::TransactionState) + sizeof(ListedTransaction) + transaction.transactional_id.size();
      if (auto paid = memory.add(bytes); !paid) co_return tl::unexpected(paid.error());
      response.transaction_states.push_back({context.keep(std::move(transaction.transactional_id)),
                                             transaction.producer_id, coordinator::to_string(transaction.state)});
    }
  }
  co_return response;
}

}  // namespace millrace::server

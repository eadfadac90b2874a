#include "broker/server/handlers/add_partitions_to_txn.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "broker/controller/topic_name.h"
#include "broker/metadata/cluster_image.h"
#include "broker/server/answer_memory.h"
#include "broker/server/request_context.h"
#include "broker/server/transaction_calls.h"

namespace millrace::server {
namespace {

using coordinator::TransactionProducer;
using protocol::ErrorCode;
using Request = protocol::AddPartitionsToTxnRequest;
using Response = protocol::AddPartitionsToTxnResponse;
using TopicResults = protocol::Array<Response::TopicResult>;

constexpr protocol::Version first_version_with_producer_fenced = 2;
constexpr protocol::Version first_version_of_brokers = 4;

// Calls answer(topic name, partition) for each in the request's order.
template <class AnswerOf>
TopicResults results(const protocol::Array<Request::Topic>& topics, AnswerOf answer_of) {
  TopicResults answers;
  answers.reserve(topics.size());
  for (const auto& topic : topics) {
    auto& answer = answers.emplace_back();
    answer.name = topic.name;
    answer.results_by_partition.reserve(topic.partitions.size());
    for (const auto partition : topic.partitions)
      answer.results_by_partition.push_back({partition, answer_of(topic.name, partition)});
  }
  return answers;
}

// Where Kafka answers by partition, it forgets the topics that have none.
TopicResults without_empty_topics(TopicResults answers) {
  std::erase_if(answers, [](const auto& topic) { return topic.results_by_partition.empty(); });
  return answers;
}

// Why a partition cannot join, whatever its coordinator says. Coordinators' topics are for brokers alone.
ErrorCode refusal_of(std::string_view topic, PartitionIndex partition, const RequestContext& context) {
  if (context.version() < first_version_of_brokers && controller::is_internal_topic(topic))
    return ErrorCode::topic_authorization_failed;
  return context.image().partition(topic, partition) == nullptr ? ErrorCode::unknown_topic_or_partition
                                                                : ErrorCode::none;
}

bool is_refused(const protocol::Array<Request::Topic>& topics, const RequestContext& context) {
  return std::ranges::any_of(topics, [&](const auto& topic) {
    return std::ranges::any_of(topic.partitions, [&](auto partition) {
      return refusal_of(topic.name, partition, context) != ErrorCode::none;
    });
  });
}

std::vector<TopicPartition> partitions_of(const protocol::Array<Request::Topic>& topics) {
  std::vector<TopicPartition> partitions;
  for (const auto& topic : topics) {
    for (const auto partition : topic.partitions) partitions.push_back({std::string(topic.name), partition});
  }
  return partitions;
}

TransactionProducer producer_of(const Request::Transaction& transaction) {
  return {transaction.transactional_id, transaction.producer_id, transaction.producer_epoch};
}

Task<TopicResults> add(const Request::Transaction& transaction, RequestContext& context) {
  const auto answer = co_await call_transaction_coordinator(
      context, transaction.transactional_id,
      [&transaction](coordinator::TransactionCoordinator& coordinator, coordinator::TransactionCall call,
                     TimestampMs now) {
        return coordinator.add_partitions(call, producer_of(transaction), partitions_of(transaction.topics), now);
      });
  const auto error = fencing_error_of(answer.error, context.version(), first_version_with_producer_fenced);
  co_return results(transaction.topics, [error](auto /*topic*/, auto /*partition*/) { return error; });
}

Task<TopicResults> verify(const Request::Transaction& transaction, RequestContext& context) {
  const auto verdicts =
      co_await verify_partitions(context, producer_of(transaction), partitions_of(transaction.topics));
  std::size_t next = 0;
  co_return without_empty_topics(results(transaction.topics, [&](auto /*topic*/, auto /*partition*/) {
    return verdicts ? (*verdicts)[next++].error : verdicts.error();
  }));
}

Task<TopicResults> answer_transaction(const Request::Transaction& transaction, RequestContext& context) {
  if (is_refused(transaction.topics, context)) {
    auto answers = results(transaction.topics, [&](auto topic, auto partition) {
      const auto refusal = refusal_of(topic, partition, context);
      return refusal == ErrorCode::none ? ErrorCode::operation_not_attempted : refusal;
    });
    co_return without_empty_topics(std::move(answers));
  }
  if (transaction.verify_only) co_return co_await verify(transaction, context);
  co_return co_await add(transaction, context);
}

// What the answers and the coordinator's lists of partitions take.
Status pay_for(const protocol::Array<Request::Topic>& topics, AnswerMemory& memory) {
  for (const auto& topic : topics) {
    const auto bytes_per_partition = sizeof(TopicPartition) + topic.name.size() + sizeof(Response::PartitionResult);
    if (auto paid = memory.add(topic.partitions.size() * bytes_per_partition); !paid) return paid;
  }
  return {};
}

}  // namespace

Task<Result<std::optional<Response>>> AddPartitionsToTxnHandler::handle(const Request& request,
                                                                        RequestContext& context) {
  Response response;
  AnswerMemory memory(context);
  if (context.version() < first_version_of_brokers) {
    const Request::Transaction transaction{request.v3_and_below_transactional_id, request.v3_and_below_producer_id,
                                           request.v3_and_below_producer_epoch, false, request.v3_and_below_topics};
    if (auto paid = pay_for(transaction.topics, memory); !paid) co_return tl::unexpected(paid.error());
    response.results_by_topic_v3_and_below = co_await answer_transaction(transaction, context);
    co_return response;
  }
  for (const auto& transaction : request.transactions) {
    if (auto paid = pay_for(transaction.topics, memory); !paid) co_return tl::unexpected(paid.error());
    auto topic_results = co_await answer_transaction(transaction, context);
    response.results_by_transaction.push_back({transaction.transactional_id, std::move(topic_results)});
  }
  co_return response;
}

}  // namespace millrace::server

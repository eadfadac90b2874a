#include "broker/server/handlers/txn_offset_commit.h"

#include <string>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "broker/coordinator/append_error.h"
#include "broker/log/transaction_verification.h"
#include "broker/replication/error_translation.h"
#include "broker/replication/replica_manager.h"
#include "broker/server/group_calls.h"
#include "broker/server/internal_topics.h"
#include "broker/server/known_partitions.h"
#include "broker/server/transaction_calls.h"

namespace millrace::server {
namespace {

using coordinator::GroupCoordinator;
using coordinator::GroupTime;
using log::VerificationGuard;
using protocol::ErrorCode;
using Request = protocol::TxnOffsetCommitRequest;
using Response = protocol::TxnOffsetCommitResponse;

constexpr protocol::Version first_version_with_loading = 2;
constexpr protocol::Version first_version_with_abortable_transactions = 4;

// The log that the group's offsets go to; null where this broker does not host it. On its shard.
std::shared_ptr<log::PartitionLog> log_of(RequestContext& context, const GroupPlace& place) {
  const auto partition = context.services().replicas.table(place.shard).find(group_topic, place.partition);
  return partition == nullptr ? nullptr : partition->log();
}

// What the log says of records of this producer, of which nobody has been asked yet.
tl::expected<void, log::AppendError> ask_log(RequestContext& context, const GroupPlace& place, const Request& request) {
  const auto log = log_of(context, place);
  if (log == nullptr) return {};
  return log->verify_transaction(request.producer_id, request.producer_epoch, VerificationGuard::none());
}

// The guard that the offsets are to be committed with, none() where none is needed. Errors: as the client is told.
Task<tl::expected<VerificationGuard, ErrorCode>> verify(const Request& request, RequestContext& context) {
  const auto place = place_of_group(context, request.group_id);
  const auto asked = co_await run_on(context.shard(), context.services().shards.at(place.shard),
                                     [&context, &request, place] { return ask_log(context, place, request); });
  if (asked) co_return VerificationGuard::none();
  if (asked.error().kind != log::AppendErrorKind::unverified)
    co_return tl::unexpected(replication::error_code_of(asked.error().kind));
  std::vector<TopicPartition> partitions{{std::string(group_topic), place.partition}};
  const auto verdicts = co_await verify_partitions(
      context, {request.transactional_id, request.producer_id, request.producer_epoch}, std::move(partitions));
  const auto verdict = verdicts ? verdicts->front().error : verdicts.error();
  if (verdict == ErrorCode::none) co_return asked.error().guard;
  const bool knows_abortable = context.version() >= first_version_with_abortable_transactions;
  co_return tl::unexpected(coordinator::offset_commit_error(verification_error_of(verdict, knows_abortable)));
}

Response refused(const Request& request, ErrorCode error) {
  Response response;
  for (const auto& topic : request.topics) {
    auto& answered = response.topics.emplace_back();
    answered.name = topic.name;
    for (const auto& partition : topic.partitions) answered.partitions.push_back({partition.partition_index, error});
  }
  return response;
}

// nullopt: nothing is verified.
Task<Result<Response>> commit(const Request& request, std::optional<VerificationGuard> guard, RequestContext& context) {
  auto ask = [&request, guard](GroupCoordinator& coordinator, auto answer, GroupTime time) {
    coordinator.commit(request, guard, std::move(answer), time);
  };
  co_return co_await answer_of_group<Response>(context, request.group_id, WhileWaiting::keep_request, std::move(ask));
}

// Producers before 2.3 may fail at COORDINATOR_LOAD_IN_PROGRESS (KAFKA-7296).
void spare_old_clients(Response& response, protocol::Version version) {
  if (version >= first_version_with_loading) return;
  for (auto& topic : response.topics) {
    for (auto& partition : topic.partitions) {
      if (partition.error_code == ErrorCode::coordinator_load_in_progress)
        partition.error_code = ErrorCode::coordinator_not_available;
    }
  }
}

// As verification has it, or without any.
Task<Result<Response>> commit_verified(const Request& request, RequestContext& context) {
  if (request.group_id.empty() ||
      !context.configuration()->values().boolean("transaction.partition.verification.enable"))
    co_return co_await commit(request, std::nullopt, context);
  const auto guard = co_await verify(request, context);
  if (!guard) co_return refused(request, guard.error());
  co_return co_await commit(request, *guard, context);
}

}  // namespace

Task<Result<std::optional<Response>>> TxnOffsetCommitHandler::handle(const Request& request, RequestContext& context) {
  auto split = split_known_partitions(request, context.image());
  const Request& known = split.known_of(request);
  if (known.topics.empty()) co_return std::move(split.refused);
  auto answered = co_await commit_verified(known, context);
  if (!answered) co_return tl::unexpected(answered.error());
  auto response = merge_answers(std::move(split.refused), std::move(*answered));
  spare_old_clients(response, context.version());
  co_return response;
}

}  // namespace millrace::server

#include "broker/server/handlers/create_partitions.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/logging.h"
#include "broker/base/turn_slices.h"
#include "broker/metadata/cluster_image.h"
#include "broker/server/partition_growth.h"
#include "broker/server/request_context.h"
#include "broker/server/topic_creation.h"

namespace millrace::server {
namespace {

using metadata::znodes::TopicAssignment;
using protocol::CreatePartitionsRequest;
using protocol::CreatePartitionsResponse;
using protocol::ErrorCode;
using Wanted = CreatePartitionsRequest::Topic;
using Answer = CreatePartitionsResponse::Topic;
using Assignment = PartitionGrowth::Assignment;

constexpr Logger logger{"server"};

PartitionGrowth growth_of(const Wanted& wanted, const metadata::ClusterImage& image) {
  PartitionGrowth growth{std::string(wanted.name), wanted.count, std::nullopt, {}};
  if (wanted.assignments) {
    growth.assignment.emplace();
    for (const auto& partition : *wanted.assignments) growth.assignment->push_back(partition.broker_ids);
  }
  for (const auto& [id, broker] : image.brokers()) growth.live_brokers.push_back(id);
  return growth;
}

Answer answer(std::string_view name, ErrorCode code, protocol::NullableString message = {}) {
  return {name, code, message};
}

Answer refused(const Wanted& wanted, const Error& error, RequestContext& context) {
  switch (error.kind) {
    case ErrorKind::not_found:
      return answer(wanted.name, ErrorCode::unknown_topic_or_partition,
                    context.keep("The topic '" + std::string(wanted.name) + "' does not exist."));
    case ErrorKind::not_empty:
      return answer(wanted.name, ErrorCode::invalid_topic_exception, "The topic is queued for deletion.");
    default:
      logger.warning("topic " + std::string(wanted.name) + " was not grown: " + error.message);
      return answer(wanted.name, ErrorCode::unknown_server_error, context.keep(error.message));
  }
}

Task<Answer> grow_one(const Wanted& wanted, const CreatePartitionsRequest& request, RequestContext& context) {
  // Also what cannot be a topic's name, and so the name of a znode.
  if (!context.image().topic(wanted.name)) co_return refused(wanted, {ErrorKind::not_found, {}}, context);
  // Written where the decision is made, read here when the command is over.
  auto refusal = std::make_shared<std::optional<TopicRefusal>>();
  auto plan = [&context, growth = growth_of(wanted, context.image()), refusal,
               validate_only = request.validate_only](const TopicAssignment& standing) {
    refusal->reset();
    auto decided = growth.decide(standing);
    if (!decided) *refusal = std::move(decided.error());
    if (!decided || validate_only) return Assignment();
    if (context.quota().may_change(decided->size())) return std::move(*decided);
    *refusal = TopicRefusal{ErrorCode::throttling_quota_exceeded, {}};
    return Assignment();
  };
  const auto timeout = std::chrono::milliseconds(std::max(request.timeout_ms, 0));
  auto grown = co_await grow_topic(context.services(), context.shard(), std::string(wanted.name), plan, timeout);
  if (!grown) co_return refused(wanted, grown.error(), context);
  if (*refusal) {
    auto refused_answer = answer(wanted.name, (*refusal)->code);
    if (!(*refusal)->message.empty()) refused_answer.error_message = context.keep(std::move((*refusal)->message));
    co_return refused_answer;
  }
  if (request.validate_only) co_return answer(wanted.name, ErrorCode::none);
  const bool is_late = *grown == TopicOutcome::timed_out || request.timeout_ms <= 0;
  co_return answer(wanted.name, is_late ? ErrorCode::request_timed_out : ErrorCode::none);
}

}  // namespace

Task<Result<std::optional<CreatePartitionsResponse>>> CreatePartitionsHandler::handle(const Request& request,
                                                                                      RequestContext& context) {
  Response response;
  std::map<std::string_view, std::size_t> entries;
  for (const auto& wanted : request.topics) ++entries[wanted.name];
  const bool is_controller = context.image().controller() == context.services().broker_id;
  std::set<std::string_view> named_twice;
  TurnSlices slices(context.shard());
  for (const auto& wanted : request.topics) {
    co_await slices.next();
    if (!is_controller) {
      response.results.push_back(answer(wanted.name, ErrorCode::not_controller));
    } else if (entries[wanted.name] == 1) {
      response.results.push_back(co_await grow_one(wanted, request, context));
    } else if (named_twice.insert(wanted.name).second) {
      response.results.push_back(answer(wanted.name, ErrorCode::invalid_request, "Duplicate topic in request."));
    }
  }
  co_return response;
}

}  // namespace millrace::server

#include "broker/server/handlers/create_topics.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/logging.h"
#include "broker/base/turn_slices.h"
#include "broker/server/answer_memory.h"
#include "broker/server/configuration/topic_description.h"
#include "broker/server/new_topic.h"
#include "broker/server/request_context.h"
#include "broker/server/topic_creation.h"

namespace millrace::server {
namespace {

using protocol::CreateTopicsRequest;
using protocol::CreateTopicsResponse;
using protocol::ErrorCode;
using Answer = CreateTopicsResponse::Topic;

constexpr Logger logger{"server"};
constexpr protocol::Version first_version_with_configs = 5;  // in the answer
// Where brokers without ZooKeeper keep their metadata: a topic of that name would mislead every tool.
constexpr std::string_view cluster_metadata_topic = "__cluster_metadata";

Answer refuse(std::string_view name, const TopicRefusal& refusal, RequestContext& context) {
  Answer answer;
  answer.name = name;
  answer.error_code = refusal.code;
  answer.error_message = context.keep(refusal.message);
  return answer;
}

// What the topic is or would be: its size, and every configuration in force (KIP-525).
Answer describe(const CreateTopicsRequest::Topic& wanted, const controller::NewTopic& topic,
                TopicDescriptions& descriptions, RequestContext& context) {
  Answer answer;
  answer.name = wanted.name;
  answer.error_message.reset();
  answer.num_partitions = static_cast<std::int32_t>(topic.assignment.size());
  answer.replication_factor = static_cast<std::int16_t>(topic.assignment.front().size());
  if (context.version() < first_version_with_configs) return answer;
  // The answer views them.
  const auto entries = descriptions.of(topic.configs);
  context.keep(entries);
  for (const auto& described : *entries) {
    auto& config = answer.configs->emplace_back();
    config.name = described.name;
    config.value.reset();
    if (described.value) config.value = *described.value;
    config.read_only = described.read_only;
    config.config_source = described.source;
    config.is_sensitive = described.is_sensitive;
  }
  return answer;
}

// At most: values that are long are the request's.
std::uint64_t bytes_of(const Answer& answer) {
  constexpr std::uint64_t encoded_config_bytes = 64;
  return sizeof(Answer) +
         (answer.configs ? answer.configs->size() : 0) * (sizeof(Answer::Config) + encoded_config_bytes);
}

Task<Answer> create_one(const CreateTopicsRequest::Topic& wanted, const CreateTopicsRequest& request,
                        TopicDescriptions& descriptions, RequestContext& context) {
  if (wanted.name == cluster_metadata_topic) {
    co_return refuse(wanted.name,
                     {ErrorCode::invalid_request, "Creation of internal topic __cluster_metadata is prohibited."},
                     context);
  }
  auto& services = context.services();
  auto planned = plan_new_topic(services, context.image(), wanted);
  if (!planned) co_return refuse(wanted.name, planned.error(), context);
  auto answer = describe(wanted, *planned, descriptions, context);
  if (request.validate_only) co_return answer;
  if (!context.quota().may_change(planned->assignment.size())) {
    auto throttled = refuse(wanted.name, {ErrorCode::throttling_quota_exceeded, {}}, context);
    throttled.error_message.reset();
    co_return throttled;
  }
  answer.topic_id = planned->id;
  const auto timeout = std::chrono::milliseconds(std::max(request.timeout_ms, 0));
  auto created = co_await create_topic(services, context.shard(), std::move(*planned), timeout);
  if (!created) {
    const auto& error = created.error();
    if (error.kind == ErrorKind::already_exists) {
      co_return refuse(wanted.name,
                       {ErrorCode::topic_already_exists, "Topic '" + std::string(wanted.name) + "' already exists."},
                       context);
    }
    logger.warning("topic " + std::string(wanted.name) + " was not created: " + error.message);
    co_return refuse(wanted.name, {ErrorCode::unknown_server_error, error.message}, context);
  }
  if (*created == TopicOutcome::timed_out || request.timeout_ms <= 0) {
    Answer late;
    late.name = wanted.name;
    late.topic_id = answer.topic_id;
    late.error_code = ErrorCode::request_timed_out;
    late.error_message.reset();
    co_return late;
  }
  co_return answer;
}

}  // namespace

Task<Result<std::optional<CreateTopicsResponse>>> CreateTopicsHandler::handle(const Request& request,
                                                                              RequestContext& context) {
  Response response;
  std::map<std::string_view, std::size_t> entries;
  for (const auto& wanted : request.topics) ++entries[wanted.name];
  TurnSlices slices(context.shard());
  AnswerMemory memory(context);
  TopicDescriptions descriptions(context.configuration());
  for (const auto& wanted : request.topics) {
    co_await slices.next();
    if (entries[wanted.name] == 1) {
      response.topics.push_back(co_await create_one(wanted, request, descriptions, context));
      if (auto paid = memory.add(bytes_of(response.topics.back())); !paid) co_return tl::unexpected(paid.error());
    } else {
      response.topics.push_back(
          refuse(wanted.name, {ErrorCode::invalid_request, "Found multiple entries for this topic."}, context));
    }
  }
  co_return response;
}

}  // namespace millrace::server

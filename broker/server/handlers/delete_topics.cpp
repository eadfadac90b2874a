#include "broker/server/handlers/delete_topics.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "broker/base/logging.h"
#include "broker/base/turn_slices.h"
#include "broker/metadata/cluster_image.h"
#include "broker/server/configuration/broker_configuration.h"
#include "broker/server/request_context.h"
#include "broker/server/topic_creation.h"

namespace millrace::server {
namespace {

using protocol::DeleteTopicsRequest;
using protocol::DeleteTopicsResponse;
using protocol::ErrorCode;
using Answer = DeleteTopicsResponse::Topic;

constexpr Logger logger{"server"};

// The versions before 6 name their topics in a list of their own.
std::vector<DeleteTopicsRequest::Topic> topics_of(const DeleteTopicsRequest& request) {
  auto topics = request.topics;
  for (auto name : request.topic_names) topics.push_back({name, {}});
  return topics;
}

Answer refuse(const DeleteTopicsRequest::Topic& topic, ErrorCode code, protocol::NullableString message = {}) {
  return {topic.name, topic.topic_id, code, message};
}

Task<Answer> delete_one(const DeleteTopicsRequest::Topic& topic, std::chrono::milliseconds timeout,
                        RequestContext& context) {
  const bool by_id = !topic.topic_id.is_zero();
  if (!by_id && !topic.name)
    co_return refuse(topic, ErrorCode::invalid_request, "Neither topic name nor id were specified.");
  auto known = by_id ? context.image().topic(topic.topic_id) : context.image().topic(*topic.name);
  if (!known) co_return refuse(topic, by_id ? ErrorCode::unknown_topic_id : ErrorCode::unknown_topic_or_partition);
  context.keep(known);
  if (!context.quota().may_change(known->partitions.size())) {
    co_return Answer{known->name, topic.topic_id, ErrorCode::throttling_quota_exceeded, {}};
  }

  auto deleted = co_await delete_topic(context.services(), context.shard(), known, timeout);
  // The id of a topic that is named is told only to a request that named it by its id.
  Answer answer{known->name, topic.topic_id, ErrorCode::none, {}};
  if (!deleted) {
    const auto& error = deleted.error();
    answer.error_code =
        error.kind == ErrorKind::not_found ? ErrorCode::unknown_topic_or_partition : ErrorCode::unknown_server_error;
    answer.error_message = context.keep(error.message);
    logger.warning("topic " + known->name + " was not deleted: " + error.message);
  } else if (*deleted == TopicOutcome::timed_out || timeout.count() <= 0) {
    answer.error_code = ErrorCode::request_timed_out;
  }
  co_return answer;
}

}  // namespace

Task<Result<std::optional<DeleteTopicsResponse>>> DeleteTopicsHandler::handle(const Request& request,
                                                                              RequestContext& context) {
  Response response;
  const auto topics = topics_of(request);
  // One such entry refuses the request as a whole.
  const bool named_twofold =
      std::ranges::any_of(topics, [](const auto& topic) { return topic.name && !topic.topic_id.is_zero(); });
  const auto timeout = std::chrono::milliseconds(std::max(request.timeout_ms, 0));
  std::map<std::string, Answer, std::less<>> deleted;  // by name, so that an entry that comes twice is answered alike
  TurnSlices slices(context.shard());
  for (const auto& topic : topics) {
    co_await slices.next();
    if (named_twofold) {
      response.responses.push_back(refuse(topic, ErrorCode::invalid_request));
      continue;
    }
    if (!context.services().configuration.topics.deletable) {
      auto code = context.version() < 3 ? ErrorCode::invalid_request : ErrorCode::topic_deletion_disabled;
      response.responses.push_back(refuse(topic, code));
      continue;
    }
    auto known = topic.topic_id.is_zero() ? nullptr : context.image().topic(topic.topic_id);
    const std::string name(known ? known->name : topic.name.value_or(""));
    auto before = deleted.find(name);
    if (before == deleted.end() || name.empty()) {
      before = deleted.insert_or_assign(name, co_await delete_one(topic, timeout, context)).first;
    }
    auto& answer = response.responses.emplace_back(before->second);
    answer.topic_id = topic.topic_id;
  }
  co_return response;
}

}  // namespace millrace::server

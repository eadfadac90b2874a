#include "broker/server/handlers/find_coordinator.h"

#include <chrono>
#include <string_view>
#include <utility>

#include "broker/base/logging.h"
#include "broker/base/turn_slices.h"
#include "broker/metadata/cluster_image.h"
#include "broker/metadata/metadata_cache.h"
#include "broker/network/log_limiter.h"
#include "broker/server/answer_memory.h"
#include "broker/server/internal_topics.h"
#include "broker/server/new_topic.h"
#include "broker/server/request_context.h"
#include "broker/server/topic_creation.h"

namespace millrace::server {
namespace {

using protocol::CoordinatorType;
using protocol::ErrorCode;
using Coordinator = protocol::FindCoordinatorResponse::Coordinator;

constexpr protocol::Version first_version_with_many_keys = 4;
constexpr protocol::Version first_version_with_share_groups = 6;
// Nobody can go on without the topic, so its creation is waited for; a slow one is told to come again.
constexpr auto creation_patience = std::chrono::milliseconds(1'000);

Coordinator nobody(std::string_view key, ErrorCode error) {
  Coordinator answer;
  answer.key = key;
  answer.node_id = BrokerId::none();
  answer.port = -1;
  answer.error_code = error;
  return answer;
}

// What Kafka says of an answer that concerns the whole request (org.apache.kafka.common.protocol.Errors.message).
std::string_view message_of(ErrorCode error) {
  switch (error) {
    case ErrorCode::none:
      return "NONE";
    case ErrorCode::invalid_request:
      return "This most likely occurs because of a request being malformed by the client library or the message was "
             "sent to an "
             "incompatible broker. See the broker logs for more details.";
    default:
      return "The coordinator is not available.";
  }
}

bool is_known(CoordinatorType type) {
  return type == CoordinatorType::group || type == CoordinatorType::transaction || type == CoordinatorType::share;
}

// Of the ids of one type; else why nobody coordinates such.
tl::expected<std::string_view, ErrorCode> topic_of(CoordinatorType type, protocol::Version version) {
  switch (type) {
    case CoordinatorType::group:
      return group_topic;
    case CoordinatorType::transaction:
      return transaction_topic;
    case CoordinatorType::share:
      return tl::unexpected(version < first_version_with_share_groups ? ErrorCode::invalid_request
                                                                      : ErrorCode::coordinator_not_available);
  }
  return tl::unexpected(ErrorCode::invalid_request);
}

Coordinator find(std::string_view topic, std::string_view key, const RequestContext& context) {
  const auto& image = context.image();
  const auto index = coordinator_partition(image, topic, key);
  const auto* partition = index ? image.partition(topic, *index) : nullptr;
  const auto* leader = partition == nullptr ? nullptr : image.broker(partition->leader);
  const auto* endpoint = leader == nullptr ? nullptr : leader->endpoint(context.listener());
  if (endpoint == nullptr) return nobody(key, ErrorCode::coordinator_not_available);
  Coordinator answer;
  answer.key = key;
  answer.node_id = leader->id;
  answer.host = endpoint->host;
  answer.port = endpoint->port;
  return answer;
}

// Clients ask again and again.
void say_refusal(std::string_view topic, const std::string& why) {
  static network::LogLimiter limiter(Logger("coordinator"), 1);
  limiter.warning("the topic " + std::string(topic) + " cannot be made: " + why);
}

// The topic in the image, which the request sees from now on. Who makes it at the same time makes it for all.
Task<std::shared_ptr<const metadata::TopicImage>> make_topic(std::string_view topic, RequestContext& context) {
  auto& services = context.services();
  auto planned = plan_auto_created_topic(services, context.image(), topic);
  if (!planned) {
    say_refusal(topic, planned.error().message);
    co_return nullptr;
  }
  auto created = co_await create_topic(services, context.shard(), std::move(*planned), creation_patience);
  if (!created && created.error().kind != ErrorKind::already_exists) say_refusal(topic, created.error().message);
  context.refresh_image(services.cache.image(context.shard().id()));
  co_return context.image().topic(topic);
}

}  // namespace

Task<Result<std::optional<protocol::FindCoordinatorResponse>>> FindCoordinatorHandler::handle(const Request& request,
                                                                                              RequestContext& context) {
  const auto topic = topic_of(request.key_type, context.version());
  const bool has_many = context.version() >= first_version_with_many_keys;
  const bool asks = !has_many || !request.coordinator_keys.empty();
  if (topic && asks && context.image().topic(*topic) == nullptr) co_await make_topic(*topic, context);
  auto answer_of = [&](std::string_view key) {
    auto answer = topic ? find(*topic, key, context) : nobody(key, topic.error());
    if (!is_known(request.key_type)) answer.error_message = message_of(answer.error_code);
    return answer;
  };
  Response response;
  if (has_many) {
    AnswerMemory memory(context);
    if (auto paid = memory.add(request.coordinator_keys.size() * sizeof(Coordinator)); !paid)
      co_return tl::unexpected(paid.error());
    response.coordinators.reserve(request.coordinator_keys.size());
    TurnSlices slices(context.shard());
    for (const auto& key : request.coordinator_keys) {
      co_await slices.next();
      response.coordinators.push_back(answer_of(key));
    }
    co_return response;
  }
  const auto answer = answer_of(request.key);
  response.error_code = answer.error_code;
  response.error_message = message_of(answer.error_code);
  response.node_id = answer.node_id;
  response.host = answer.host;
  response.port = answer.port;
  co_return response;
}

}  // namespace millrace::server

#include "broker/server/handlers/metadata.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/base/task.h"
#include "broker/base/turn_slices.h"
#include "broker/controller/topic_name.h"
#include "broker/log/log_manager.h"
#include "broker/metadata/cluster_image.h"
#include "broker/metadata/metadata_cache.h"
#include "broker/server/answer_memory.h"
#include "broker/server/authorized_operations.h"
#include "broker/server/broker_services.h"
#include "broker/server/configuration/broker_configuration.h"
#include "broker/server/new_topic.h"
#include "broker/server/request_context.h"
#include "broker/server/topic_creation.h"

namespace millrace::server {
namespace {

using protocol::ErrorCode;
using protocol::MetadataRequest;
using protocol::MetadataResponse;
using TopicAnswer = MetadataResponse::Topic;
using PartitionAnswer = TopicAnswer::Partition;

constexpr protocol::Version first_version_with_topic_ids = 12;  // in the request; answers have them from 10 on
constexpr protocol::Version first_version_with_listener_errors = 6;
// A creation on first use is waited for, so that the client need not ask twice; a slow one is told to come again.
constexpr auto auto_creation_patience = std::chrono::milliseconds(1'000);

PartitionAnswer answer_of(std::string_view topic, const metadata::PartitionImage& partition, RequestContext& context) {
  const auto& image = context.image();
  PartitionAnswer answer;
  answer.partition_index = partition.index;
  answer.leader_id = partition.leader;
  answer.leader_epoch = partition.leader_epoch;
  answer.replica_nodes = partition.replicas;
  answer.isr_nodes = partition.isr;
  for (auto replica : partition.replicas) {
    const auto* broker = image.broker(replica);
    bool offline = broker == nullptr || broker->endpoint(context.listener()) == nullptr ||
                   std::ranges::find(partition.offline_replicas, replica) != partition.offline_replicas.end();
    if (offline) answer.offline_replicas.push_back(replica);
  }
  // Kafka's controller takes the leadership away from a broker whose disk has failed; here only the answer says so.
  const auto self = context.services().broker_id;
  const bool here_offline = context.services().logs.has_offline() &&
                            std::ranges::find(partition.replicas, self) != partition.replicas.end() &&
                            context.services().logs.is_offline({std::string(topic), partition.index});
  if (here_offline && std::ranges::find(answer.offline_replicas, self) == answer.offline_replicas.end())
    answer.offline_replicas.push_back(self);
  const auto* leader = here_offline && partition.leader == self ? nullptr : image.broker(partition.leader);
  if (leader == nullptr) {
    answer.leader_id = BrokerId::none();
    answer.error_code = ErrorCode::leader_not_available;
  } else if (leader->endpoint(context.listener()) == nullptr) {
    answer.leader_id = BrokerId::none();
    answer.error_code = context.version() >= first_version_with_listener_errors ? ErrorCode::listener_not_found
                                                                                : ErrorCode::leader_not_available;
  }
  return answer;
}

TopicAnswer answer_of(const metadata::TopicImage& topic, bool with_operations, RequestContext& context) {
  TopicAnswer answer;
  answer.name = topic.name;
  answer.topic_id = topic.id;
  answer.is_internal = controller::is_internal_topic(topic.name);
  answer.partitions.reserve(topic.partitions.size());
  for (const auto& partition : topic.partitions) answer.partitions.push_back(answer_of(topic.name, partition, context));
  if (with_operations) answer.topic_authorized_operations = all_topic_operations;
  return answer;
}

TopicAnswer failure(protocol::NullableString name, const TopicId& id, ErrorCode code) {
  TopicAnswer answer;
  answer.name = name;
  answer.topic_id = id;
  answer.error_code = code;
  answer.is_internal = name && controller::is_internal_topic(*name);
  return answer;
}

Task<TopicAnswer> create_on_first_use(std::string_view name, bool with_operations, RequestContext& context) {
  auto& services = context.services();
  auto planned = plan_auto_created_topic(services, context.image(), name);
  if (!planned) co_return failure(name, {}, planned.error().code);
  auto created = co_await create_topic(services, context.shard(), std::move(*planned), auto_creation_patience);
  context.refresh_image(services.cache.image(context.shard().id()));
  auto shown = context.image().topic(name);
  if (shown) co_return answer_of(*shown, with_operations, context);
  co_return failure(name, {}, ErrorCode::leader_not_available);
}

Task<TopicAnswer> find(const MetadataRequest::Topic& wanted, const MetadataRequest& request, RequestContext& context) {
  const bool with_operations = request.include_topic_authorized_operations;
  if (!wanted.topic_id.is_zero()) {
    auto known = context.image().topic(wanted.topic_id);
    if (!known) co_return failure(std::nullopt, wanted.topic_id, ErrorCode::unknown_topic_id);
    context.keep(known);
    co_return answer_of(*known, with_operations, context);
  }
  const auto name = wanted.name.value_or("");
  if (auto known = context.image().topic(name)) {
    context.keep(known);
    co_return answer_of(*known, with_operations, context);
  }
  if (!controller::check_topic_name(name)) co_return failure(name, {}, ErrorCode::invalid_topic_exception);
  // The versions before 4 cannot say whether they want it created: they do.
  const bool create = (context.version() < 4 || request.allow_auto_topic_creation) &&
                      context.services().configuration.topics.auto_create;
  if (!create) co_return failure(name, {}, ErrorCode::unknown_topic_or_partition);
  co_return co_await create_on_first_use(name, with_operations, context);
}

// What is wrong with the request as a whole: versions 10 and 11 have fields for ids that they do not support yet.
ErrorCode check_request(const std::vector<MetadataRequest::Topic>& topics, protocol::Version version) {
  if (version < first_version_with_topic_ids) {
    auto has_no_name_alone = [](const auto& topic) { return !topic.topic_id.is_zero() || !topic.name; };
    return std::ranges::any_of(topics, has_no_name_alone) ? ErrorCode::invalid_request : ErrorCode::none;
  }
  auto has_neither = [](const auto& topic) { return topic.topic_id.is_zero() && !topic.name; };
  return std::ranges::any_of(topics, has_neither) ? ErrorCode::unknown_server_error : ErrorCode::none;
}

MetadataResponse refuse(const std::vector<MetadataRequest::Topic>& topics, ErrorCode code) {
  MetadataResponse response;
  for (const auto& topic : topics) response.topics.push_back(failure(topic.name.value_or(""), topic.topic_id, code));
  return response;
}

constexpr std::size_t few_topics = 1024;  // are sorted on the shard
// Beside the request: an answer, also while their list grows; the name when it is sorted.
constexpr std::uint64_t bytes_per_answer = 2 * sizeof(TopicAnswer) + 64;

// What is asked for: each topic once, where it is named first, and, where any is named by its id, only those that are (Kafka:
// KafkaApis.handleTopicMetadataRequest).
std::vector<const MetadataRequest::Topic*> wanted_topics(const std::vector<MetadataRequest::Topic>& topics) {
  const bool by_id = std::ranges::any_of(topics, [](const auto& topic) { return !topic.topic_id.is_zero(); });
  std::vector<const MetadataRequest::Topic*> wanted;
  wanted.reserve(topics.size());
  for (const auto& topic : topics) {
    if (!by_id || !topic.topic_id.is_zero()) wanted.push_back(&topic);
  }
  auto named = [by_id](const MetadataRequest::Topic* topic) {
    return std::pair(topic->topic_id, by_id ? std::string_view() : std::string_view(topic->name.value_or("")));
  };
  std::ranges::sort(wanted, {}, [&](const auto* topic) { return std::pair(named(topic), topic); });
  const auto repeated = std::ranges::unique(wanted, {}, named);
  wanted.erase(repeated.begin(), repeated.end());
  std::ranges::sort(wanted);
  return wanted;
}

}  // namespace

Task<Result<std::optional<MetadataResponse>>> MetadataHandler::handle(const Request& request, RequestContext& context) {
  if (request.topics) {
    if (auto code = check_request(*request.topics, context.version()); code != ErrorCode::none)
      co_return refuse(*request.topics, code);
  }
  Response response;
  TurnSlices slices(context.shard());
  const bool all_topics = !request.topics || (context.version() == 0 && request.topics->empty());
  if (all_topics) {
    response.topics.reserve(context.image().topic_count());
    std::vector<const metadata::TopicImage*> topics;
    context.image().for_each_topic([&](const auto& topic) { topics.push_back(topic.get()); });
    for (const auto* topic : topics) {
      co_await slices.next();
      response.topics.push_back(answer_of(*topic, request.include_topic_authorized_operations, context));
    }
  } else {
    auto choose = [&topics = *request.topics] { return wanted_topics(topics); };
    const bool are_many = request.topics->size() > few_topics;
    AnswerMemory memory(context);
    for (const auto* wanted : are_many ? co_await run_on_worker(context.shard(), choose) : choose()) {
      co_await slices.next();
      if (auto paid = memory.add(bytes_per_answer); !paid) co_return tl::unexpected(paid.error());
      auto& answered = response.topics.emplace_back(co_await find(*wanted, request, context));
      // Told for a topic that is not there too: it could be made.
      if (request.include_topic_authorized_operations && answered.name)
        answered.topic_authorized_operations = all_topic_operations;
    }
  }
  const auto& image = context.image();
  for (const auto& [id, broker] : image.brokers()) {
    const auto* endpoint = broker->endpoint(context.listener());
    if (endpoint == nullptr) continue;
    auto& answered = response.brokers.emplace_back();
    answered.node_id = id;
    answered.host = endpoint->host;
    answered.port = endpoint->port;
    if (broker->rack) answered.rack = *broker->rack;
  }
  response.cluster_id = context.services().cluster_id;
  response.controller_id = image.controller().value_or(BrokerId::none());
  if (request.include_cluster_authorized_operations) response.cluster_authorized_operations = all_cluster_operations;
  co_return response;
}

}  // namespace millrace::server

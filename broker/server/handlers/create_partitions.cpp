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
#include "broker/controller/replica_assignment.h"
#include "broker/metadata/cluster_image.h"
#include "broker/server/new_topic.h"
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
using Assignment = std::vector<std::vector<BrokerId>>;

constexpr Logger logger{"server"};

tl::unexpected<TopicRefusal> refuse(ErrorCode code, std::string message) {
  return tl::unexpected<TopicRefusal>(TopicRefusal{code, std::move(message)});
}

template <class Items, class Name>
std::string joined(const Items& items, Name name) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + std::to_string(name(item));
  return text;
}

// What one topic asks for, with everything that deciding takes: the decision is made on the controller's shard.
struct Growth {
  std::string topic;
  std::int32_t count = 0;
  std::optional<Assignment> assignment;
  std::vector<BrokerId> live_brokers;

  [[nodiscard]] tl::expected<Assignment, TopicRefusal> decide(const TopicAssignment& standing) const;

 private:
  [[nodiscard]] tl::expected<Assignment, TopicRefusal> check_assignment(std::size_t first, std::size_t added,
                                                                        std::size_t replication_factor) const;
  [[nodiscard]] std::optional<TopicRefusal> check_replicas(std::size_t partition,
                                                           const std::vector<BrokerId>& replicas) const;
};

tl::expected<Assignment, TopicRefusal> Growth::decide(const TopicAssignment& standing) const {
  const auto& partitions = standing.partitions;
  const bool is_moving = std::ranges::any_of(
      partitions, [](const auto& partition) { return !partition.adding.empty() || !partition.removing.empty(); });
  if (is_moving) {
    return refuse(ErrorCode::reassignment_in_progress,
                  "A partition reassignment is in progress for the topic '" + topic + "'.");
  }
  if (partitions.empty()) {
    return refuse(ErrorCode::unknown_topic_or_partition, "The topic '" + topic + "' does not exist.");
  }
  const auto old_count = static_cast<std::int32_t>(partitions.size());
  if (count < old_count) {
    return refuse(ErrorCode::invalid_partitions, "Topic currently has " + std::to_string(old_count) +
                                                     " partitions, which is higher than the requested " +
                                                     std::to_string(count) + ".");
  }
  if (count == old_count) {
    return refuse(ErrorCode::invalid_partitions, "Topic already has " + std::to_string(old_count) + " partitions.");
  }
  if (count > max_partitions_of_topic) {
    return refuse(ErrorCode::invalid_partitions,
                  "Number of partitions must be at most " + std::to_string(max_partitions_of_topic) + ".");
  }
  const auto& replicas = partitions.front().replicas;
  if (assignment) {
    return check_assignment(partitions.size(), static_cast<std::size_t>(count - old_count), replicas.size());
  }
  auto assigned = controller::assign_more_replicas(live_brokers, old_count, count - old_count,
                                                   static_cast<std::int32_t>(replicas.size()),
                                                   replicas.empty() ? BrokerId::none() : replicas.front());
  if (!assigned) return refuse(ErrorCode::invalid_replication_factor, assigned.error().message);
  return std::move(*assigned);
}

tl::expected<Assignment, TopicRefusal> Growth::check_assignment(std::size_t first, std::size_t added,
                                                                std::size_t replication_factor) const {
  auto invalid = [](const std::string& message) { return refuse(ErrorCode::invalid_replica_assignment, message); };
  std::vector<BrokerId> unknown;
  for (const auto& replicas : *assignment) {
    for (auto replica : replicas) {
      const bool is_live = std::ranges::find(live_brokers, replica) != live_brokers.end();
      if (!is_live && std::ranges::find(unknown, replica) == unknown.end()) unknown.push_back(replica);
    }
  }
  if (!unknown.empty()) {
    return invalid("Unknown broker(s) in replica assignment: " +
                   joined(unknown, [](BrokerId broker) { return broker.value(); }) + ".");
  }
  if (assignment->size() != added) {
    return invalid("Increasing the number of partitions by " + std::to_string(added) + " but " +
                   std::to_string(assignment->size()) + " assignments provided.");
  }
  std::vector<std::size_t> odd;  // positions of those with another number of replicas
  for (std::size_t i = 0; i < assignment->size(); ++i) {
    if (auto refusal = check_replicas(first + i, (*assignment)[i])) return tl::unexpected(std::move(*refusal));
    if ((*assignment)[i].size() != replication_factor) odd.push_back(i);
  }
  if (!odd.empty()) {
    return invalid("Inconsistent replication factor between partitions, partition 0 has " +
                   std::to_string(replication_factor) + " while partitions [" +
                   joined(odd, [&](std::size_t i) { return first + i; }) + "] have replication factors [" +
                   joined(odd, [&](std::size_t i) { return (*assignment)[i].size(); }) + "], respectively.");
  }
  return *assignment;
}

std::optional<TopicRefusal> Growth::check_replicas(std::size_t partition, const std::vector<BrokerId>& replicas) const {
  if (replicas.empty()) {
    return TopicRefusal{ErrorCode::invalid_replica_assignment,
                        "Cannot have replication factor of 0 for partition id " + std::to_string(partition) + "."};
  }
  if (std::set<BrokerId>(replicas.begin(), replicas.end()).size() != replicas.size()) {
    return TopicRefusal{ErrorCode::invalid_replica_assignment,
                        "Duplicate brokers not allowed in replica assignment: " +
                            joined(replicas, [](BrokerId broker) { return broker.value(); }) + " for partition id " +
                            std::to_string(partition) + "."};
  }
  return std::nullopt;
}

Growth growth_of(const Wanted& wanted, const metadata::ClusterImage& image) {
  Growth growth{std::string(wanted.name), wanted.count, std::nullopt, {}};
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
  for (const auto& wanted : request.topics) {
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

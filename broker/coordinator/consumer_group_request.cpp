#include "broker/coordinator/consumer_group_request.h"

#include <algorithm>
#include <utility>

namespace millrace::coordinator {

using protocol::ErrorCode;

namespace {

constexpr protocol::Version client_makes_member_id_since = 1;

std::optional<std::string> owned_text(const protocol::NullableString& text) {
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

bool is_blank(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char each) { return each <= ' '; });
}

bool is_blank(const protocol::NullableString& text) { return text && is_blank(*text); }

GroupRefusal invalid(std::string message) { return {ErrorCode::invalid_request, std::move(message)}; }

std::optional<GroupRefusal> check_join(const protocol::ConsumerGroupHeartbeatRequest& request) {
  if (request.rebalance_timeout_ms == -1) return invalid("RebalanceTimeoutMs must be provided in first request.");
  if (!request.topic_partitions || !request.topic_partitions->empty())
    return invalid("TopicPartitions must be empty when (re-)joining.");
  if (!request.subscribed_topic_names && !request.subscribed_topic_regex)
    return invalid("Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.");
  return std::nullopt;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

ConsumerGroupHeartbeat::ConsumerGroupHeartbeat(const protocol::ConsumerGroupHeartbeatRequest& request,
                                               const GroupClient& client, MayDescribeTopic may_describe_topic)
    : member_id(request.member_id),
      member_epoch(request.member_epoch),
      instance_id(owned_text(request.instance_id)),
      rack_id(owned_text(request.rack_id)),
      rebalance_timeout_ms(request.rebalance_timeout_ms),
      pattern(owned_text(request.subscribed_topic_regex)),
      assignor(owned_text(request.server_assignor)),
      client_id(client.client_id),
      client_host(client.host),
      may_describe(std::move(may_describe_topic)) {
  if (request.subscribed_topic_names) {
    topics.emplace(request.subscribed_topic_names->begin(), request.subscribed_topic_names->end());
    std::ranges::sort(*topics);
    topics->erase(std::ranges::unique(*topics).begin(), topics->end());
  }
  if (!request.topic_partitions) return;
  owned.emplace();
  for (const auto& topic : *request.topic_partitions) add_partitions(*owned, topic.topic_id, topic.partitions);
}

void ConsumerGroupHeartbeat::apply_to(ConsumerGroupMember& member) const {
  if (instance_id) member.instance_id = instance_id;
  if (rack_id) member.rack_id = rack_id;
  if (rebalance_timeout_ms != -1) member.rebalance_timeout_ms = rebalance_timeout_ms;
  if (topics) member.topics = *topics;
  if (pattern) member.pattern = *pattern;
  if (assignor) member.assignor = assignor;
  member.classic.reset();
  member.client_id = client_id;
  member.client_host = client_host;
}

std::optional<GroupRefusal> check_heartbeat(const protocol::ConsumerGroupHeartbeatRequest& request,
                                            protocol::Version version, const std::vector<std::string>& assignors) {
  const std::int32_t epoch = request.member_epoch;
  const bool names_member =
      version >= client_makes_member_id_since || epoch > joining_member_epoch || epoch == leaving_member_epoch;
  if (names_member && is_blank(request.member_id)) return invalid("MemberId can't be empty.");
  if (is_blank(request.group_id)) return invalid("GroupId can't be empty.");
  if (is_blank(request.instance_id)) return invalid("InstanceId can't be empty.");
  if (is_blank(request.rack_id)) return invalid("RackId can't be empty.");
  if (epoch == joining_member_epoch) {
    if (auto refusal = check_join(request)) return refusal;
  } else if (epoch == leaving_static_member_epoch) {
    if (!request.instance_id) return invalid("InstanceId can't be null.");
  } else if (epoch < leaving_static_member_epoch) {
    return invalid("MemberEpoch is invalid.");
  }
  if (request.server_assignor && std::ranges::find(assignors, *request.server_assignor) == assignors.end()) {
    return GroupRefusal{ErrorCode::unsupported_assignor,
                        "ServerAssignor " + std::string(*request.server_assignor) +
                            " is not supported. Supported assignors: " + joined(assignors) + "."};
  }
  return std::nullopt;
}

void answer_heartbeat(ConsumerGroupHeartbeatAnswer& answer, const ConsumerGroupHeartbeatOutcome& outcome) {
  protocol::ConsumerGroupHeartbeatResponse response;
  if (outcome.refusal.error != ErrorCode::none) {
    response.error_code = outcome.refusal.error;
    if (!outcome.refusal.message.empty()) response.error_message = outcome.refusal.message;
    return answer(response);
  }
  response.member_id = outcome.member_id;
  response.member_epoch = outcome.member_epoch;
  response.heartbeat_interval_ms = outcome.heartbeat_interval_ms;
  if (outcome.assignment) {
    auto& assignment = response.assignment.emplace(protocol::ConsumerGroupHeartbeatResponse::Assignment{});
    assignment.topic_partitions.reserve(outcome.assignment->size());
    for (const auto& [topic, partitions] : *outcome.assignment)
      assignment.topic_partitions.push_back({topic, partitions});
  }
  answer(response);
}

}  // namespace millrace::coordinator

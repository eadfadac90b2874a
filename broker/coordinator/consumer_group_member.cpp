#include "broker/coordinator/consumer_group_member.h"

#include <algorithm>
#include <tuple>

namespace millrace::coordinator {
namespace {

auto metadata_of(const ConsumerGroupMember& member) {
  return std::tie(member.instance_id, member.rack_id, member.client_id, member.client_host, member.topics,
                  member.pattern, member.rebalance_timeout_ms, member.assignor, member.classic);
}

auto assignment_of(const ConsumerGroupMember& member) {
  return std::tie(member.epoch, member.previous_epoch, member.state, member.assigned, member.pending_revocation);
}

std::optional<std::string> owned(const protocol::NullableString& text) {
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

MemberState member_state(std::int8_t number) {
  switch (const auto state = static_cast<MemberState>(number)) {
    case MemberState::stable:
    case MemberState::unrevoked_partitions:
    case MemberState::unreleased_partitions:
      return state;
    default:
      return MemberState::unknown;
  }
}

}  // namespace

bool same_metadata(const ConsumerGroupMember& left, const ConsumerGroupMember& right) {
  return metadata_of(left) == metadata_of(right);
}

bool same_assignment(const ConsumerGroupMember& left, const ConsumerGroupMember& right) {
  return assignment_of(left) == assignment_of(right);
}

bool is_subset(const AssignedPartitions& partitions, const AssignedPartitions& others) {
  return std::ranges::all_of(partitions, [&](const auto& topic) {
    const auto found = others.find(topic.first);
    return found != others.end() && std::ranges::includes(found->second, topic.second);
  });
}

void add_partitions(AssignedPartitions& into, const TopicId& topic, const std::vector<PartitionIndex>& partitions) {
  if (partitions.empty()) return;
  auto& all = into[topic];
  std::ranges::copy_if(partitions, std::back_inserter(all), [](PartitionIndex each) { return each.value() >= 0; });
  std::ranges::sort(all);
  all.erase(std::ranges::unique(all).begin(), all.end());
  if (all.empty()) into.erase(topic);
}

void restore_metadata(ConsumerGroupMember& member, const ConsumerGroupMemberMetadataValue& value) {
  member.instance_id = owned(value.instance_id);
  member.rack_id = owned(value.rack_id);
  member.client_id = value.client_id;
  member.client_host = value.client_host;
  member.topics.assign(value.subscribed_topic_names.begin(), value.subscribed_topic_names.end());
  std::ranges::sort(member.topics);
  member.topics.erase(std::ranges::unique(member.topics).begin(), member.topics.end());
  member.pattern = value.subscribed_topic_regex.value_or("");
  member.rebalance_timeout_ms = value.rebalance_timeout_ms;
  member.assignor = owned(value.server_assignor);
  member.classic.reset();
  // Kafka writes one protocol at least. Without any there is nothing to speak with such a member in.
  if (!value.classic_member || value.classic_member->supported_protocols.empty()) return;
  auto& classic = member.classic.emplace();
  classic.session_timeout_ms = value.classic_member->session_timeout_ms;
  for (const auto& each : value.classic_member->supported_protocols) {
    classic.protocols.push_back(
        {std::string(each.protocol_name), std::vector<std::uint8_t>(each.metadata.begin(), each.metadata.end())});
  }
}

void restore_assignment(ConsumerGroupMember& member, const ConsumerGroupCurrentMemberAssignmentValue& value) {
  member.epoch = value.member_epoch;
  member.previous_epoch = value.previous_member_epoch;
  member.state = member_state(value.state);
  member.assigned.clear();
  member.pending_revocation.clear();
  for (const auto& topic : value.assigned_partitions) add_partitions(member.assigned, topic.topic_id, topic.partitions);
  for (const auto& topic : value.partitions_pending_revocation)
    add_partitions(member.pending_revocation, topic.topic_id, topic.partitions);
}

}  // namespace millrace::coordinator

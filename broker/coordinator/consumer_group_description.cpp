// ConsumerGroupDescribe.
#include "broker/coordinator/consumer_groups.h"

namespace millrace::coordinator {

using protocol::ErrorCode;

namespace {

using Described = protocol::ConsumerGroupDescribeResponse;

// Topics that are gone have no name any more, and are left out.
Described::Assignment described(const AssignedPartitions& assigned, const TopicDirectory& directory) {
  Described::Assignment assignment;
  for (const auto& [topic, partitions] : assigned) {
    if (const auto name = directory.name(topic); !name.empty())
      assignment.topic_partitions.push_back({topic, name, partitions});
  }
  return assignment;
}

protocol::NullableString view(const std::optional<std::string>& text) {
  return text ? protocol::NullableString(*text) : std::nullopt;
}

}  // namespace

Described::Group ConsumerGroups::describe(std::string_view group_id, std::string& message) const {
  Described::Group answer;
  answer.group_id = group_id;
  const ConsumerGroup* const group = find(group_id);
  if (group == nullptr) {
    message = "Group " + std::string(group_id) + " not found.";
    answer.error_code = ErrorCode::group_id_not_found;
    answer.error_message = message;
    return answer;
  }
  answer.group_state = to_string(group->state());
  answer.group_epoch = group->epoch();
  answer.assignment_epoch = group->target_epoch();
  answer.assignor_name = group->preferred_assignor().value_or(config_.group_consumer_assignors.front());
  answer.members.reserve(group->members().size());
  for (const auto& [id, member] : group->members()) {
    auto& listed = answer.members.emplace_back();
    listed.member_id = id;
    listed.instance_id = view(member.instance_id);
    listed.rack_id = view(member.rack_id);
    listed.member_epoch = member.epoch;
    listed.client_id = member.client_id;
    listed.client_host = member.client_host;
    listed.subscribed_topic_names.assign(member.topics.begin(), member.topics.end());
    if (!member.pattern.empty()) listed.subscribed_topic_regex = member.pattern;
    listed.assignment = described(member.assigned, directory_);
    listed.target_assignment = described(group->target(id), directory_);
    listed.member_type = protocol::GroupMemberType::consumer;
  }
  return answer;
}

}  // namespace millrace::coordinator

// ConsumerGroupDescribe.
#include <utility>

#include "broker/coordinator/append_error.h"
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

Described::Group described(const ConsumerGroup& group, const TopicDirectory& directory,
                           std::string_view default_assignor) {
  Described::Group answer;
  answer.group_id = group.id();
  answer.group_state = to_string(group.state());
  answer.group_epoch = group.epoch();
  answer.assignment_epoch = group.target_epoch();
  answer.assignor_name = group.preferred_assignor().value_or(default_assignor);
  answer.members.reserve(group.members().size());
  for (const auto& [id, member] : group.members()) {
    auto& listed = answer.members.emplace_back();
    listed.member_id = id;
    listed.instance_id = view(member.instance_id);
    listed.rack_id = view(member.rack_id);
    listed.member_epoch = member.epoch;
    listed.client_id = member.client_id;
    listed.client_host = member.client_host;
    listed.subscribed_topic_names.assign(member.topics.begin(), member.topics.end());
    listed.subscribed_topic_regex = member.pattern;
    listed.assignment = described(member.assigned, directory);
    listed.target_assignment = described(group.target(id), directory);
    listed.member_type = member.classic ? protocol::GroupMemberType::classic : protocol::GroupMemberType::consumer;
  }
  return answer;
}

void refuse(ConsumerGroupDescribeAnswer& answer, std::string_view group_id, ErrorCode error,
            std::string_view message = {}) {
  Described::Group refused;
  refused.group_id = group_id;
  refused.error_code = error;
  if (!message.empty()) refused.error_message = message;
  answer(refused);
}

}  // namespace

void ConsumerGroups::describe(std::string_view group_id, ConsumerGroupDescribeAnswer answer, GroupTime time) {
  time_ = time;
  const auto known = host(group_id);
  if (!known) {
    return refuse(answer, group_id, ErrorCode::group_id_not_found, "Group " + std::string(group_id) + " not found.");
  }
  run(known, [this, id = std::string(group_id), answer = std::move(answer)](Host* here) mutable {
    if (here == nullptr) {
      refuse(answer, id, ErrorCode::not_coordinator);
      return Host::Done();
    }
    return Host::Done([this, id = std::move(id), answer = std::move(answer)](ErrorCode error) mutable {
      if (error != ErrorCode::none) return refuse(answer, id, consumer_group_store_error(error));
      const ConsumerGroup* const group = find(id);
      if (group == nullptr) return refuse(answer, id, ErrorCode::group_id_not_found, "Group " + id + " not found.");
      answer(described(*group, directory_, config_.group_consumer_assignors.front()));
    });
  });
}

}  // namespace millrace::coordinator

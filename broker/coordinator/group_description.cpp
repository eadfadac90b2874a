// What is asked about groups: OffsetFetch, ListGroups, DescribeGroups.
#include <algorithm>
#include <cctype>

#include "broker/coordinator/consumer_group_access.h"
#include "broker/coordinator/consumer_groups.h"
#include "broker/coordinator/group_coordinator.h"
#include "broker/coordinator/topic_answers.h"

namespace millrace::coordinator {

using protocol::ErrorCode;

namespace {

constexpr std::string_view classic_type = "classic";
constexpr std::string_view consumer_type = "consumer";  // also the protocol type of such groups

bool same_word(std::string_view left, std::string_view right) {
  return std::ranges::equal(
      left, right, [](unsigned char one, unsigned char other) { return std::tolower(one) == std::tolower(other); });
}

bool is_among(std::string_view word, const std::vector<std::string_view>& filter) {
  return filter.empty() || std::ranges::any_of(filter, [&](std::string_view each) { return same_word(word, each); });
}

using FetchedGroup = protocol::OffsetFetchResponse::Group;
using FetchedPartition = FetchedGroup::Topic::Partition;

FetchedPartition fetched(const Group* group, const PartitionName& partition, bool require_stable) {
  FetchedPartition answer;
  answer.partition_index = partition.partition;
  answer.committed_offset = Offset::none();
  if (group == nullptr) return answer;
  if (require_stable && group->offsets().is_unstable(partition)) {
    answer.error_code = ErrorCode::unstable_offset_commit;
    return answer;
  }
  if (const CommittedOffset* const found = group->offsets().find(partition); found != nullptr) {
    answer.committed_offset = found->offset;
    answer.committed_leader_epoch = found->leader_epoch;
    answer.metadata = found->metadata;
  }
  return answer;
}

}  // namespace

protocol::OffsetFetchResponse::Group GroupCoordinator::fetch(const protocol::OffsetFetchRequest::Group& request,
                                                             bool require_stable) const {
  FetchedGroup answer;
  answer.group_id = request.group_id;
  answer.error_code = refusal(request.group_id, true);
  if (answer.error_code != ErrorCode::none) return answer;
  if (const ConsumerGroup* const consumer = find_consumer(request.group_id); consumer != nullptr) {
    answer.error_code = check_fetch(*consumer, request.member_id, request.member_epoch);
    if (answer.error_code != ErrorCode::none) return answer;
  }
  const Group* const group = find(request.group_id);
  if (request.topics) {
    TopicAnswers topics(answer.topics);
    std::set<PartitionName> asked;
    for (const auto& topic : *request.topics) {
      for (const PartitionIndex index : topic.partition_indexes) {
        const PartitionName partition(topic.name, index);
        if (asked.insert(partition).second)
          topics.at(topic.name).partitions.push_back(fetched(group, partition, require_stable));
      }
    }
  } else if (group != nullptr) {
    for (const auto& [partition, entry] : group->offsets().committed()) {
      if (answer.topics.empty() || answer.topics.back().name != partition.topic)
        answer.topics.emplace_back().name = partition.topic;
      answer.topics.back().partitions.push_back(fetched(group, PartitionName(partition), require_stable));
    }
  }
  return answer;
}

protocol::ListGroupsResponse GroupCoordinator::list(const protocol::ListGroupsRequest& request) const {
  protocol::ListGroupsResponse response;
  if (phase_ == Phase::loading) response.error_code = ErrorCode::coordinator_load_in_progress;
  if (consumer_groups_ && is_among(consumer_type, request.types_filter)) {
    consumer_groups_->each([&](const ConsumerGroup& group) {
      const std::string_view state = to_string(group.state());
      if (is_among(state, request.states_filter))
        response.groups.push_back({group.id(), consumer_type, state, consumer_type});
    });
  }
  if (!is_among(classic_type, request.types_filter)) return response;
  for (const auto& [id, group] : groups_) {
    const std::string_view state = to_string(group->state());
    if (!is_among(state, request.states_filter) || find_consumer(id) != nullptr) continue;
    const std::string_view type = group->protocol_type() ? std::string_view(*group->protocol_type()) : "";
    response.groups.push_back({id, type, state, classic_type});
  }
  return response;
}

protocol::DescribeGroupsResponse::Group GroupCoordinator::describe(std::string_view group_id,
                                                                   protocol::Version version) const {
  protocol::DescribeGroupsResponse::Group answer;
  answer.group_id = group_id;
  answer.error_code = refusal(group_id, true);
  if (answer.error_code != ErrorCode::none) return answer;
  const bool is_other_kind = find_consumer(group_id) != nullptr;
  const Group* const group = is_other_kind ? nullptr : find(group_id);
  answer.group_state = to_string(group == nullptr ? GroupState::dead : group->state());
  if (group == nullptr) {
    if (version >= 6) {
      answer.error_code = ErrorCode::group_id_not_found;
      message_ = is_other_kind ? "Group " + std::string(group_id) + " is not a classic group."
                               : std::string("The group id does not exist.");
      answer.error_message = message_;
    }
    return answer;
  }
  if (group->protocol_type()) answer.protocol_type = *group->protocol_type();
  const bool is_stable = group->is(GroupState::stable);
  if (is_stable) answer.protocol_data = *group->protocol_name();
  for (const auto& member : group->members()) {
    auto& described = answer.members.emplace_back();
    described.member_id = member.id;
    if (member.instance_id) described.group_instance_id = *member.instance_id;
    described.client_id = member.client_id;
    described.client_host = member.client_host;
    if (!is_stable) continue;
    described.member_metadata = member.metadata_for(*group->protocol_name());
    described.member_assignment = member.assignment;
  }
  return answer;
}

}  // namespace millrace::coordinator

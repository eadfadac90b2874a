// Offsets and groups that go: when their time is over, by an admin, with their topics.
#include <utility>

#include "broker/coordinator/append_error.h"
#include "broker/coordinator/consumer_groups.h"
#include "broker/coordinator/consumer_protocol.h"
#include "broker/coordinator/group_coordinator.h"
#include "broker/coordinator/topic_answers.h"

namespace millrace::coordinator {

using protocol::ErrorCode;

namespace {

bool is_consumer_group(const Group& group) { return group.protocol_type() == consumer_protocol_type; }

// Whether the group's members read the topic; they do where that is not known.
bool may_read(const Group& group, std::string_view topic) {
  return !group.subscribed_topics() || group.subscribed_topics()->contains(topic);
}

}  // namespace

// KIP-211: of a group without members offsets.retention.minutes count from when the last one left, of a consumer group's topic that nobody
// subscribes to any more, and of a group that never had members, from the commit. So they do of a group of the new protocol, but for the topics
// that its members subscribe to.
std::vector<TopicPartition> GroupCoordinator::expired_offsets(const Group& group) const {
  const bool is_left = group.protocol_type() && group.is(GroupState::empty);
  const bool is_consuming = is_consumer_group(group) && group.subscribed_topics() && group.is(GroupState::stable);
  const ConsumerGroup* const consumer = find_consumer(group.id());
  std::vector<TopicPartition> expired;
  if (!is_left && !is_consuming && group.protocol_type()) return expired;
  for (const auto& [partition, entry] : group.offsets().committed()) {
    const CommittedOffset& value = entry.value;
    if (is_consuming && may_read(group, partition.topic)) continue;
    if (consumer != nullptr && consumer->is_subscribed_to(partition.topic)) continue;
    if (group.offsets().is_staged(PartitionName(partition))) continue;
    const TimestampMs since =
        is_left ? group.state_timestamp().value_or(value.commit_timestamp) : value.commit_timestamp;
    const bool is_over = value.expire_timestamp == TimestampMs::none()
                             ? since <= time_.wall - config_.offsets_retention_ms
                             : value.expire_timestamp <= time_.wall;
    if (is_over) expired.push_back(partition);
  }
  return expired;
}

std::vector<GroupRecord> GroupCoordinator::take_away(Group& group, const std::vector<TopicPartition>& partitions) {
  std::vector<GroupRecord> tombstones;
  for (const auto& partition : partitions) {
    if (!group.offsets().erase(PartitionName(partition))) continue;
    if (auto key = encode_key(OffsetCommitKey{group.id(), partition.topic, partition.partition}))
      tombstones.push_back({std::move(*key), std::nullopt});
  }
  if (group.is(GroupState::empty) && group.offsets().empty()) group.transition_to(GroupState::dead, time_.wall);
  if (group.is(GroupState::dead)) {
    // A group of generation 0 has never had a record of its own.
    if (auto key = encode_key(GroupMetadataKey{group.id()}); key && group.generation() > 0)
      tombstones.push_back({std::move(*key), std::nullopt});
    forget(group);
  }
  return tombstones;
}

bool GroupCoordinator::clean_up(Group& group, const std::vector<TopicPartition>& partitions, AppendDone done) {
  auto tombstones = take_away(group, partitions);
  if (tombstones.empty()) return false;
  append_all(std::move(tombstones), std::move(done));
  return true;
}

void GroupCoordinator::remove_expired(GroupTime time) {
  time_ = time;
  if (phase_ != Phase::serving) return;
  std::vector<GroupPointer> groups;
  groups.reserve(groups_.size());
  for (const auto& [id, group] : groups_) groups.push_back(group);
  for (const auto& group : groups) clean_up(*group, expired_offsets(*group), [](const GroupAppendOutcome&) {});
  remove_empty_consumer_groups();
}

void GroupCoordinator::on_partitions_deleted(const std::vector<TopicPartition>& partitions, GroupTime time) {
  time_ = time;
  if (phase_ != Phase::serving) return;
  std::vector<GroupPointer> groups;
  groups.reserve(groups_.size());
  for (const auto& [id, group] : groups_) groups.push_back(group);
  for (const auto& group : groups) clean_up(*group, partitions, [](const GroupAppendOutcome&) {});
}

void GroupCoordinator::delete_group(std::string_view group_id, DeleteGroupAnswer answer, GroupTime time) {
  time_ = time;
  if (const auto error = refusal(group_id, true); error != ErrorCode::none) return answer(error);
  if (is_claimed(group_id)) return delete_claimed(group_id, std::move(answer));
  delete_classic(group_id, std::move(answer));
}

void GroupCoordinator::delete_classic(std::string_view group_id, DeleteGroupAnswer answer) {
  const GroupPointer group = pointer(group_id);
  if (!group) return answer(ErrorCode::group_id_not_found);
  if (!group->is(GroupState::empty)) return answer(ErrorCode::non_empty_group);
  group->transition_to(GroupState::dead, time_.wall);
  auto shared = std::make_shared<DeleteGroupAnswer>(std::move(answer));
  const bool appends = clean_up(*group, group->offsets().erasable(), [shared](const GroupAppendOutcome& outcome) {
    (*shared)(offset_commit_error(outcome.error));
  });
  if (!appends) (*shared)(ErrorCode::none);
}

namespace {

// What is left to say of an OffsetDelete when its tombstones are in the log.
struct DeletedTopic {
  std::string name;
  std::vector<std::pair<PartitionIndex, ErrorCode>> partitions;
};

void answer_deleted(OffsetDeleteAnswer& answer, const std::vector<DeletedTopic>& topics, ErrorCode error) {
  protocol::OffsetDeleteResponse response;
  response.error_code = error;
  if (error == ErrorCode::none) {
    for (const auto& topic : topics) {
      auto& answered = response.topics.emplace_back();
      answered.name = topic.name;
      for (const auto& [index, partition_error] : topic.partitions)
        answered.partitions.push_back({index, partition_error});
    }
  }
  answer(response);
}

}  // namespace

void GroupCoordinator::delete_offsets(const protocol::OffsetDeleteRequest& request, OffsetDeleteAnswer answer,
                                      GroupTime time) {
  time_ = time;
  if (const auto error = refusal(request.group_id, false); error != ErrorCode::none)
    return answer_deleted(answer, {}, error);
  const ConsumerGroup* const consumer = find_consumer(request.group_id);
  const GroupPointer group = consumer == nullptr ? pointer(request.group_id) : get_or_create(request.group_id);
  if (!group) return answer_deleted(answer, {}, ErrorCode::group_id_not_found);
  const bool is_empty = group->is(GroupState::empty);
  if (!is_empty && !is_consumer_group(*group)) return answer_deleted(answer, {}, ErrorCode::non_empty_group);
  std::vector<DeletedTopic> topics;
  TopicAnswers deletions(topics);
  std::set<PartitionName> seen;
  std::vector<TopicPartition> removal;
  for (const auto& topic : request.topics) {
    const bool is_read =
        consumer == nullptr ? !is_empty && may_read(*group, topic.name) : consumer->is_subscribed_to(topic.name);
    for (const auto& partition : topic.partitions) {
      if (!seen.insert(PartitionName(topic.name, partition.partition_index)).second) continue;
      auto& deleted = deletions.at(topic.name);
      deleted.partitions.emplace_back(partition.partition_index,
                                      is_read ? ErrorCode::group_subscribed_to_topic : ErrorCode::none);
      if (!is_read) removal.push_back({deleted.name, partition.partition_index});
    }
  }
  if (removal.empty()) return answer_deleted(answer, topics, ErrorCode::none);
  struct Waiting {
    OffsetDeleteAnswer answer;
    std::vector<DeletedTopic> topics;
  };
  auto waiting = std::make_shared<Waiting>(std::move(answer), std::move(topics));
  const bool appends = clean_up(*group, removal, [waiting](const GroupAppendOutcome& outcome) {
    answer_deleted(waiting->answer, waiting->topics, offset_commit_error(outcome.error));
  });
  if (!appends) answer_deleted(waiting->answer, waiting->topics, ErrorCode::none);
}

}  // namespace millrace::coordinator

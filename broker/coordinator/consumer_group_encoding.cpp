#include "broker/coordinator/consumer_group_encoding.h"

#include <utility>

#include "broker/base/check.h"

namespace millrace::coordinator {
namespace {

template <class Record>
std::vector<std::uint8_t> encode(const Record& record) {
  auto bytes = encode_consumer_group_record(record);
  MILLRACE_INVARIANT(bytes.has_value(), "what a group holds fits into a record");
  return std::move(*bytes);
}

template <class Key, class Value>
GroupRecord record_of(const Key& key, const Value& value) {
  return {encode(key), encode(value)};
}

template <class Key>
GroupRecord tombstone_of(const Key& key) {
  return {encode(key), std::nullopt};
}

template <class TopicPartitions>
std::vector<TopicPartitions> topic_partitions(const AssignedPartitions& assigned) {
  std::vector<TopicPartitions> topics;
  topics.reserve(assigned.size());
  for (const auto& [topic, partitions] : assigned) {
    auto& listed = topics.emplace_back();
    listed.topic_id = topic;
    listed.partitions = partitions;
  }
  return topics;
}

protocol::NullableString view(const std::optional<std::string>& text) {
  return text ? protocol::NullableString(*text) : std::nullopt;
}

}  // namespace

GroupRecord group_epoch_record(std::string_view group, std::int32_t epoch) {
  ConsumerGroupMetadataValue value;
  value.epoch = epoch;
  return record_of(ConsumerGroupMetadataKey{group}, value);
}

GroupRecord subscribed_topics_record(std::string_view group, const SubscribedTopics& topics) {
  ConsumerGroupPartitionMetadataValue value;
  value.topics.reserve(topics.size());
  for (const auto& [name, facts] : topics) {
    auto& topic = value.topics.emplace_back();
    topic.topic_id = facts.id;
    topic.topic_name = name;
    topic.partition_count = facts.partition_count;
  }
  return record_of(ConsumerGroupPartitionMetadataKey{group}, value);
}

GroupRecord member_record(std::string_view group, const ConsumerGroupMember& member) {
  ConsumerGroupMemberMetadataValue value;
  value.instance_id = view(member.instance_id);
  value.rack_id = view(member.rack_id);
  value.client_id = member.client_id;
  value.client_host = member.client_host;
  value.subscribed_topic_names.assign(member.topics.begin(), member.topics.end());
  value.subscribed_topic_regex = member.pattern;
  value.rebalance_timeout_ms = member.rebalance_timeout_ms;
  value.server_assignor = view(member.assignor);
  if (member.classic) {
    auto& classic = value.classic_member.emplace(ConsumerGroupMemberMetadataValue::ClassicMember{});
    classic.session_timeout_ms = member.classic->session_timeout_ms;
    for (const auto& each : member.classic->protocols)
      classic.supported_protocols.push_back({each.name, each.metadata});
  }
  return record_of(ConsumerGroupMemberMetadataKey{group, member.id}, value);
}

GroupRecord target_epoch_record(std::string_view group, std::int32_t epoch) {
  return record_of(ConsumerGroupTargetAssignmentMetadataKey{group}, ConsumerGroupTargetAssignmentMetadataValue{epoch});
}

GroupRecord target_record(std::string_view group, std::string_view member_id, const AssignedPartitions& partitions) {
  ConsumerGroupTargetAssignmentMemberValue value;
  value.topic_partitions = topic_partitions<ConsumerGroupTargetAssignmentMemberValue::TopicPartitions>(partitions);
  return record_of(ConsumerGroupTargetAssignmentMemberKey{group, member_id}, value);
}

GroupRecord current_assignment_record(std::string_view group, const ConsumerGroupMember& member) {
  using TopicPartitions = ConsumerGroupCurrentMemberAssignmentValue::TopicPartitions;
  ConsumerGroupCurrentMemberAssignmentValue value;
  value.member_epoch = member.epoch;
  value.previous_member_epoch = member.previous_epoch;
  value.state = static_cast<std::int8_t>(member.state);
  value.assigned_partitions = topic_partitions<TopicPartitions>(member.assigned);
  value.partitions_pending_revocation = topic_partitions<TopicPartitions>(member.pending_revocation);
  return record_of(ConsumerGroupCurrentMemberAssignmentKey{group, member.id}, value);
}

GroupRecord pattern_record(std::string_view group, std::string_view pattern, const ResolvedPattern& resolved) {
  ConsumerGroupRegularExpressionValue value;
  value.topics.assign(resolved.topics.begin(), resolved.topics.end());
  value.metadata_version = resolved.directory_version;
  value.timestamp = resolved.timestamp;
  return record_of(ConsumerGroupRegularExpressionKey{group, pattern}, value);
}

GroupRecord group_epoch_tombstone(std::string_view group) { return tombstone_of(ConsumerGroupMetadataKey{group}); }

GroupRecord subscribed_topics_tombstone(std::string_view group) {
  return tombstone_of(ConsumerGroupPartitionMetadataKey{group});
}

GroupRecord member_tombstone(std::string_view group, std::string_view member_id) {
  return tombstone_of(ConsumerGroupMemberMetadataKey{group, member_id});
}

GroupRecord target_epoch_tombstone(std::string_view group) {
  return tombstone_of(ConsumerGroupTargetAssignmentMetadataKey{group});
}

GroupRecord target_tombstone(std::string_view group, std::string_view member_id) {
  return tombstone_of(ConsumerGroupTargetAssignmentMemberKey{group, member_id});
}

GroupRecord current_assignment_tombstone(std::string_view group, std::string_view member_id) {
  return tombstone_of(ConsumerGroupCurrentMemberAssignmentKey{group, member_id});
}

GroupRecord pattern_tombstone(std::string_view group, std::string_view pattern) {
  return tombstone_of(ConsumerGroupRegularExpressionKey{group, pattern});
}

}  // namespace millrace::coordinator

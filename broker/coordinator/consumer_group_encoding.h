// What changes in a group of the new protocol, as the records that say so (org.apache.kafka.coordinator.group.GroupCoordinatorRecordHelpers).
// Names and ids come from requests and records, whose strings are never longer than a record's. Pure functions; any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "broker/coordinator/consumer_group_member.h"
#include "broker/coordinator/group_append.h"
#include "broker/coordinator/topic_directory.h"

namespace millrace::coordinator {

// The topics that a group subscribes to, as it saw them last.
using SubscribedTopics = std::map<std::string, TopicFacts, std::less<>>;

// The topics that a regular expression stood for, when it was last looked up.
struct ResolvedPattern {
  std::vector<std::string> topics;  // ascending
  std::int64_t directory_version = -1;
  TimestampMs timestamp{};
};

GroupRecord group_epoch_record(std::string_view group, std::int32_t epoch);
GroupRecord subscribed_topics_record(std::string_view group, const SubscribedTopics& topics);
GroupRecord member_record(std::string_view group, const ConsumerGroupMember& member);
GroupRecord target_epoch_record(std::string_view group, std::int32_t epoch);
GroupRecord target_record(std::string_view group, std::string_view member_id, const AssignedPartitions& partitions);
GroupRecord current_assignment_record(std::string_view group, const ConsumerGroupMember& member);
GroupRecord pattern_record(std::string_view group, std::string_view pattern, const ResolvedPattern& resolved);

GroupRecord group_epoch_tombstone(std::string_view group);
GroupRecord subscribed_topics_tombstone(std::string_view group);
GroupRecord member_tombstone(std::string_view group, std::string_view member_id);
GroupRecord target_epoch_tombstone(std::string_view group);
GroupRecord target_tombstone(std::string_view group, std::string_view member_id);
GroupRecord current_assignment_tombstone(std::string_view group, std::string_view member_id);
GroupRecord pattern_tombstone(std::string_view group, std::string_view pattern);

}  // namespace millrace::coordinator

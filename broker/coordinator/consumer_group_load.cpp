#include "broker/coordinator/consumer_group_load.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace millrace::coordinator {
namespace {

template <class Key>
constexpr bool is_consumer_group_key = requires(const Key& key) { key.group; } && Key::versions.lowest >= 3;

template <class Value>
Result<std::optional<Value>> decoded(const std::optional<BytesView>& bytes) {
  if (!bytes) return std::optional<Value>();
  auto value = decode_consumer_group_value<Value>(*bytes);
  if (!value) return tl::unexpected(value.error());
  return std::optional<Value>(std::move(*value));
}

SubscribedTopics topics_of(const ConsumerGroupPartitionMetadataValue& value) {
  SubscribedTopics topics;
  for (const auto& topic : value.topics)
    topics.insert_or_assign(std::string(topic.topic_name), TopicFacts{topic.topic_id, topic.partition_count});
  return topics;
}

ResolvedPattern pattern_of(const ConsumerGroupRegularExpressionValue& value) {
  ResolvedPattern resolved{{value.topics.begin(), value.topics.end()}, value.metadata_version, value.timestamp};
  std::ranges::sort(resolved.topics);
  return resolved;
}

AssignedPartitions target_of(const ConsumerGroupTargetAssignmentMemberValue& value) {
  AssignedPartitions target;
  for (const auto& topic : value.topic_partitions) add_partitions(target, topic.topic_id, topic.partitions);
  return target;
}

}  // namespace

// What one record says of its group.
struct ConsumerGroupLoad::Reader {
  LoadedGroup& group;
  const std::optional<BytesView>& bytes;

  // use(value) with what the record has, or none of a tombstone.
  template <class Value, class Use>
  Status with(Use use) const {
    auto value = decoded<Value>(bytes);
    if (!value) return tl::unexpected(value.error());
    use(*value);
    return {};
  }
  template <class Key>
  LoadedMember& member(const Key& key) const {
    return group.members.try_emplace(std::string(key.member_id)).first->second;
  }

  Status operator()(const ConsumerGroupMetadataKey& /*key*/) const {
    return with<ConsumerGroupMetadataValue>([&](const auto& value) { group.epoch = value ? value->epoch : 0; });
  }
  Status operator()(const ConsumerGroupPartitionMetadataKey& /*key*/) const {
    return with<ConsumerGroupPartitionMetadataValue>(
        [&](const auto& value) { group.topics = value ? topics_of(*value) : SubscribedTopics(); });
  }
  Status operator()(const ConsumerGroupMemberMetadataKey& key) const {
    return with<ConsumerGroupMemberMetadataValue>([&](const auto& value) {
      auto& metadata = member(key).metadata;
      metadata.reset();
      if (value) restore_metadata(metadata.emplace(), *value);
    });
  }
  Status operator()(const ConsumerGroupTargetAssignmentMetadataKey& /*key*/) const {
    return with<ConsumerGroupTargetAssignmentMetadataValue>(
        [&](const auto& value) { group.target_epoch = value ? value->assignment_epoch : 0; });
  }
  Status operator()(const ConsumerGroupTargetAssignmentMemberKey& key) const {
    return with<ConsumerGroupTargetAssignmentMemberValue>(
        [&](const auto& value) { member(key).target = value ? std::optional(target_of(*value)) : std::nullopt; });
  }
  Status operator()(const ConsumerGroupCurrentMemberAssignmentKey& key) const {
    return with<ConsumerGroupCurrentMemberAssignmentValue>([&](const auto& value) {
      auto& assignment = member(key).assignment;
      assignment.reset();
      if (value) restore_assignment(assignment.emplace(), *value);
    });
  }
  Status operator()(const ConsumerGroupRegularExpressionKey& key) const {
    return with<ConsumerGroupRegularExpressionValue>([&](const auto& value) {
      if (value) {
        group.patterns.insert_or_assign(std::string(key.regular_expression), pattern_of(*value));
      } else if (const auto found = group.patterns.find(key.regular_expression); found != group.patterns.end()) {
        group.patterns.erase(found);
      }
    });
  }
  template <class Other>
  Status operator()(const Other& /*key*/) const {
    return {};
  }
};

bool ConsumerGroupLoad::takes(const ConsumerOffsetsKey& key) {
  return std::visit(
      []<class Key>(const Key& /*each*/) {
        if constexpr (requires { Key::versions; }) {
          return is_consumer_group_key<Key>;
        } else {
          return false;
        }
      },
      key);
}

std::string_view ConsumerGroupLoad::group_of(const ConsumerOffsetsKey& key) {
  return std::visit(
      [](const auto& each) -> std::string_view {
        if constexpr (requires { each.group; }) {
          return each.group;
        } else {
          return {};
        }
      },
      key);
}

Status ConsumerGroupLoad::read(const ConsumerOffsetsKey& key, const std::optional<BytesView>& value) {
  const std::string_view id = group_of(key);
  auto found = groups_.find(id);
  if (found == groups_.end()) {
    if (!value) return {};
    found = groups_.try_emplace(std::string(id)).first;
  }
  return std::visit(Reader{found->second, value}, key);
}

void ConsumerGroupLoad::forget(std::string_view group_id) {
  if (const auto found = groups_.find(group_id); found != groups_.end()) groups_.erase(found);
}

std::optional<ConsumerGroup> ConsumerGroupLoad::made(const std::string& id, LoadedGroup& loaded) {
  ConsumerGroup group(id);
  for (auto& [member_id, read] : loaded.members) {
    if (!read.metadata) continue;  // tombstones, or what was left of a member that is gone
    ConsumerGroupMember member = std::move(*read.metadata);
    member.id = member_id;
    if (read.assignment) {
      member.epoch = read.assignment->epoch;
      member.previous_epoch = read.assignment->previous_epoch;
      member.state = read.assignment->state;
      member.assigned = std::move(read.assignment->assigned);
      member.pending_revocation = std::move(read.assignment->pending_revocation);
    }
    group.restore_member(member, std::move(read.target));
  }
  if (loaded.epoch == 0 && group.members().empty()) return std::nullopt;
  group.restore(loaded.epoch, loaded.target_epoch, std::move(loaded.topics), std::move(loaded.patterns));
  return group;
}

std::vector<ConsumerGroup> ConsumerGroupLoad::finish() && {
  std::vector<ConsumerGroup> groups;
  groups.reserve(groups_.size());
  for (auto& [id, loaded] : groups_) {
    if (auto group = made(id, loaded)) groups.push_back(std::move(*group));
  }
  return groups;
}

}  // namespace millrace::coordinator

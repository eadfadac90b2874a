// How a group with members changes its kind: a classic one becomes one of the new protocol when a member of that comes, and the other way round when
// only classic members are left (ConsumerGroup.fromClassicGroup and ClassicGroup.fromConsumerGroup of Kafka 4).
#include <utility>

#include "broker/coordinator/consumer_groups.h"
#include "broker/coordinator/consumer_protocol.h"
#include "broker/coordinator/group_coordinator.h"

namespace millrace::coordinator {

using protocol::ErrorCode;

namespace {

tl::unexpected<GroupRefusal> stays_classic(std::string_view group_id, std::string_view why) {
  return tl::unexpected(
      GroupRefusal{ErrorCode::group_id_not_found, "Cannot upgrade classic group " + std::string(group_id) +
                                                      " to consumer group because " + std::string(why) + "."});
}

// The member as the new protocol has it. Errors: what it said, or was told, cannot be read.
Result<ConsumerGroupMember> upgraded_member(const Group& group, const GroupMember& member,
                                            const TopicDirectory& directory) {
  const auto& protocol = group.protocol_name() ? *group.protocol_name() : member.protocols.front().name;
  auto subscription = decode_subscription(member.metadata_for(protocol), directory);
  if (!subscription) return tl::unexpected(subscription.error());
  auto assigned = decode_assignment(member.assignment, directory);
  if (!assigned) return tl::unexpected(assigned.error());
  ConsumerGroupMember upgraded;
  upgraded.id = member.id;
  upgraded.instance_id = member.instance_id;
  upgraded.rack_id = std::move(subscription->rack_id);
  upgraded.client_id = member.client_id;
  upgraded.client_host = member.client_host;
  upgraded.topics = std::move(subscription->topics);
  upgraded.rebalance_timeout_ms = member.rebalance_timeout_ms;
  upgraded.classic = ClassicMembership{member.session_timeout_ms, member.protocols};
  upgraded.epoch = group.generation();
  upgraded.previous_epoch = group.generation();
  upgraded.assigned = std::move(*assigned);
  return upgraded;
}

// Takes from the member what another has: an assignor of the members may give a partition to two.
void leave_taken(const ConsumerGroup& group, ConsumerGroupMember& member) {
  for (auto topic = member.assigned.begin(); topic != member.assigned.end();) {
    std::erase_if(topic->second,
                  [&](PartitionIndex partition) { return group.is_taken(member.id, topic->first, partition); });
    topic = topic->second.empty() ? member.assigned.erase(topic) : std::next(topic);
  }
}

// What the member may have. Kafka takes the target instead, of which others may have some as long as it is not reached.
AssignedPartitions held_by(const ConsumerGroupMember& member) {
  AssignedPartitions held = member.assigned;
  for (const auto& [topic, partitions] : member.pending_revocation) add_partitions(held, topic, partitions);
  return held;
}

}  // namespace

class GroupCoordinator::ClassicSide final : public ClassicGroups {
 public:
  ClassicSide(GroupCoordinator& coordinator, const ConsumerGroupConfig& config, const TopicDirectory& directory)
      : coordinator_(coordinator),
        may_upgrade_(config.may_upgrade()),
        max_size_(static_cast<std::size_t>(config.group_consumer_max_size)),
        directory_(directory) {}

  [[nodiscard]] tl::expected<ConsumerGroup, GroupRefusal> upgraded(std::string_view group_id) const override {
    const GroupPointer classic = coordinator_.pointer(group_id);
    ConsumerGroup group{std::string(group_id)};
    if (!classic || classic->is(GroupState::empty)) return group;
    if (!may_upgrade_) return stays_classic(group_id, "online upgrade is disabled");
    if (classic->protocol_type() != consumer_protocol_type)
      return stays_classic(group_id, "the group does not use the consumer embedded protocol");
    if (classic->size() > max_size_)
      return stays_classic(group_id, "the group size exceeds the consumer group maximum size");
    for (const auto& each : classic->members()) {
      auto member = upgraded_member(*classic, each, directory_);
      if (!member) return stays_classic(group_id, "the embedded consumer protocol is malformed");
      leave_taken(group, *member);
      group.restore_member(*member, member->assigned);
    }
    group.restore(classic->generation(), classic->generation(), {}, {});
    return group;
  }

  void retire(ConsumerGroup& successor) override {
    const GroupPointer classic = coordinator_.pointer(successor.id());
    if (!classic) return;
    // A group of generation 0 has never had a record of its own. Should this one get lost, the newer ones tell what the group is.
    if (auto key = encode_key(GroupMetadataKey{classic->id()}); key && classic->generation() > 0)
      successor.add_record({std::move(*key), std::nullopt});
    classic->disband(coordinator_.time_.wall);
  }

  [[nodiscard]] bool is_stored(std::string_view group_id) const override {
    const GroupPointer classic = coordinator_.pointer(group_id);
    return classic && classic->generation() > 0;
  }

  [[nodiscard]] bool has_room_for(std::size_t members) const override {
    return members <= static_cast<std::size_t>(coordinator_.config_.group_max_size);
  }

  Result<GroupRecord> adopt(const ConsumerGroup& predecessor) override {
    const GroupPointer group = coordinator_.get_or_create(predecessor.id());
    for (const auto& [id, member] : predecessor.members()) {
      protocol::JoinGroupRequest request;
      request.protocol_type = consumer_protocol_type;
      for (const auto& each : member.classic->protocols) request.protocols.push_back({each.name, each.metadata});
      if (member.instance_id && group->find_static(*member.instance_id) == nullptr)
        request.group_instance_id = *member.instance_id;
      request.rebalance_timeout_ms = member.rebalance_timeout_ms;
      request.session_timeout_ms = member.classic->session_timeout_ms;
      group->add(id, request, member.client_id, member.client_host);
    }
    group->take_over(predecessor.epoch(), coordinator_.time_.wall);
    TextMap<std::vector<std::uint8_t>> assignments;
    for (auto& member : group->members()) {
      member.assignment = encode_assignment(held_by(*predecessor.find(member.id)),
                                            member.metadata_for(*group->protocol_name()), directory_);
      assignments.emplace(member.id, member.assignment);
      coordinator_.restart_session(member);
    }
    auto record = group->record(assignments);
    coordinator_.prepare_rebalance(*group);
    return record;
  }

  void join(const protocol::JoinGroupRequest& request, const GroupClient& client, JoinAnswer answer) override {
    coordinator_.join_classic(request, client, std::move(answer));
  }

 private:
  GroupCoordinator& coordinator_;
  const bool may_upgrade_;
  const std::size_t max_size_;
  const TopicDirectory& directory_;
};

std::unique_ptr<ClassicGroups> GroupCoordinator::make_classic_side(const ConsumerGroupConfig& config,
                                                                   const TopicDirectory& directory) {
  return std::make_unique<ClassicSide>(*this, config, directory);
}

}  // namespace millrace::coordinator

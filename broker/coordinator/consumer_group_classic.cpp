// Members of the classic protocol in a group of the new one (KIP-848's online migration; GroupMetadataManager.classicGroupJoinToConsumerGroup and
// its like of Kafka 4): the coordinator assigns, and JoinGroup, SyncGroup and Heartbeat take such a member through the same epochs as its
// neighbours' heartbeats do. And what such a group becomes when nobody else is left in it.
#include <algorithm>
#include <chrono>
#include <utility>

#include "broker/coordinator/append_error.h"
#include "broker/coordinator/consumer_groups.h"
#include "broker/coordinator/consumer_protocol.h"
#include "broker/coordinator/group_answers.h"

namespace millrace::coordinator {

using protocol::ErrorCode;

namespace {

constexpr protocol::Version requires_member_id_since = 4;

// Whether the member that a classic request names is there.
ErrorCode check_member(const ConsumerGroup& group, std::string_view member_id,
                       const protocol::NullableString& instance_id) {
  const ConsumerGroupMember* const member = instance_id ? group.find_static(*instance_id) : group.find(member_id);
  if (member == nullptr) return ErrorCode::unknown_member_id;
  return member->id == member_id ? ErrorCode::none : ErrorCode::fenced_instance_id;
}

// And is one that speaks that protocol.
ErrorCode check_classic(const ConsumerGroup& group, std::string_view member_id,
                        const protocol::NullableString& instance_id) {
  const auto error = check_member(group, member_id, instance_id);
  if (error != ErrorCode::none) return error;
  return group.find(member_id)->classic ? ErrorCode::none : ErrorCode::unknown_member_id;
}

// What a member that joins or joins again is, by what it says.
void apply(const protocol::JoinGroupRequest& request, const GroupClient& client, ConsumerSubscription subscription,
           ConsumerGroupMember& member) {
  if (request.group_instance_id) member.instance_id = *request.group_instance_id;
  if (subscription.rack_id) member.rack_id = std::move(subscription.rack_id);
  member.rebalance_timeout_ms = request.rebalance_timeout_ms;
  member.topics = std::move(subscription.topics);
  member.pattern.clear();
  member.client_id = client.client_id;
  member.client_host = client.host;
  member.classic = ClassicMembership{request.session_timeout_ms, copy_protocols(request.protocols)};
}

void refuse(SyncAnswer& answer, ErrorCode error) {
  protocol::SyncGroupResponse response;
  response.error_code = error;
  answer(response);
}

}  // namespace

ErrorCode ConsumerGroups::check_join(const ConsumerGroup& group, const protocol::JoinGroupRequest& request) const {
  if (config_.group_consumer_migration_policy == ConsumerGroupMigrationPolicy::disabled)
    return ErrorCode::inconsistent_group_protocol;
  if (group.find(request.member_id) == nullptr &&
      group.members().size() >= static_cast<std::size_t>(config_.group_consumer_max_size))
    return ErrorCode::group_max_size_reached;
  if (!group.supports_classic(request.protocol_type, request.protocols)) return ErrorCode::inconsistent_group_protocol;
  if (!request.group_instance_id || request.member_id.empty()) return ErrorCode::none;
  const ConsumerGroupMember* const known = group.find_static(*request.group_instance_id);
  if (known == nullptr) return ErrorCode::unknown_member_id;
  return known->id == request.member_id ? ErrorCode::none : ErrorCode::fenced_instance_id;
}

ConsumerGroupHost::Done ConsumerGroups::join_classic(std::string_view group_id,
                                                     const protocol::JoinGroupRequest& request,
                                                     const GroupClient& client, JoinAnswer answer) {
  const auto here = host(group_id);
  ConsumerGroup& group = here->group;
  const auto refuse_with = [&](ErrorCode error, std::string_view member_id) {
    refuse_join(answer, client, member_id, error);
    return Host::Done();
  };
  if (const auto error = check_join(group, request); error != ErrorCode::none)
    return refuse_with(error, request.member_id);
  const bool is_unknown = request.member_id.empty();
  const std::string member_id = is_unknown ? to_string(Uuid::random(random_)) : std::string(request.member_id);
  if (is_unknown && !request.group_instance_id && client.version >= requires_member_id_since)
    return refuse_with(ErrorCode::member_id_required, member_id);
  // All of its protocols say the same.
  auto subscription = decode_subscription(request.protocols.front().metadata, directory_);
  if (!subscription) return refuse_with(ErrorCode::unknown_server_error, request.member_id);
  const AssignedPartitions owned = std::move(subscription->owned);
  ConsumerGroupMember announced;
  announced.id = member_id;
  apply(request, client, *subscription, announced);
  if (const auto refusal = check_size(group, announced); refusal.error != ErrorCode::none)
    return refuse_with(refusal.error, request.member_id);
  const ConsumerGroupMember before = enter(*here, member_id, is_unknown ? request.group_instance_id : std::nullopt);
  ConsumerGroupMember member = before;
  apply(request, client, std::move(*subscription), member);
  const ConsumerGroupMember after = advance(here, before, member, nullptr, owned);
  auto& clock = here->clocks[after.id];
  clock.join_deadline.reset();
  clock.sync_deadline = time_.now + std::chrono::milliseconds(after.rebalance_timeout_ms);
  restart_session(here, after.id);
  if (may_be_classic(group)) {
    // The last member of the new protocol has a classic successor, who waits with the others for the classic group's next generation.
    become_classic(*here);
    auto again = request;
    again.member_id = after.id;
    classic_groups_.join(again, client, std::move(answer));
    return Host::Done();
  }
  return [version = client.version, id = after.id, epoch = after.epoch,
          protocol = after.classic->protocols.front().name, answer = std::move(answer)](ErrorCode error) mutable {
    if (error != ErrorCode::none) return refuse_join(answer, {version, {}, {}}, id, consumer_group_store_error(error));
    protocol::JoinGroupResponse response;
    response.generation_id = epoch;
    response.protocol_type = consumer_protocol_type;
    response.protocol_name = protocol;
    response.member_id = id;
    answer(response);
  };
}

ErrorCode ConsumerGroups::check_sync(const ConsumerGroup& group, const HeldSync& sync) {
  protocol::NullableString instance_id;
  if (sync.instance_id) instance_id = *sync.instance_id;
  if (const auto error = check_classic(group, sync.member_id, instance_id); error != ErrorCode::none) return error;
  const ConsumerGroupMember& member = *group.find(sync.member_id);
  if (sync.generation != member.epoch) return ErrorCode::illegal_generation;
  if (sync.protocol_type && *sync.protocol_type != consumer_protocol_type)
    return ErrorCode::inconsistent_group_protocol;
  if (sync.protocol_name && *sync.protocol_name != member.classic->protocols.front().name)
    return ErrorCode::inconsistent_group_protocol;
  // Who has still to give something up has joined for that epoch already.
  if (group.epoch() > member.epoch && member.state != MemberState::unrevoked_partitions)
    return ErrorCode::rebalance_in_progress;
  return ErrorCode::none;
}

void ConsumerGroups::sync_classic(const protocol::SyncGroupRequest& request, SyncAnswer answer, GroupTime time) {
  HeldSync held{std::string(request.member_id), std::nullopt, request.generation_id, std::nullopt, std::nullopt};
  if (request.group_instance_id) held.instance_id = *request.group_instance_id;
  if (request.protocol_type) held.protocol_type = *request.protocol_type;
  if (request.protocol_name) held.protocol_name = *request.protocol_name;
  take_turn(
      request.group_id,
      [this, sync = std::move(held), answer = std::move(answer)](Host* here) mutable {
        if (here == nullptr) {
          refuse(answer, ErrorCode::not_coordinator);
          return Host::Done();
        }
        // A classic group since then, which rebalances.
        const ErrorCode error = here->group.exists() ? check_sync(here->group, sync) : ErrorCode::rebalance_in_progress;
        if (error == ErrorCode::rebalance_in_progress && here->group.exists())
          watch_join(host(here->group.id()), *here->group.find(sync.member_id));
        if (error != ErrorCode::none) {
          refuse(answer, error);
          return Host::Done();
        }
        const ConsumerGroupMember& member = *here->group.find(sync.member_id);
        here->clocks[member.id].sync_deadline.reset();
        restart_session(host(here->group.id()), member.id);
        auto assignment = encode_assignment(member.assigned, member.classic->protocols.front().metadata, directory_);
        return Host::Done([sync = std::move(sync), assignment = std::move(assignment),
                           answer = std::move(answer)](ErrorCode store_error) mutable {
          if (store_error != ErrorCode::none) return refuse(answer, consumer_group_store_error(store_error));
          protocol::SyncGroupResponse response;
          if (sync.protocol_type) response.protocol_type = *sync.protocol_type;
          if (sync.protocol_name) response.protocol_name = *sync.protocol_name;
          response.assignment = assignment;
          answer(response);
        });
      },
      time);
}

ErrorCode ConsumerGroups::heartbeat_classic(const protocol::HeartbeatRequest& request, GroupTime time) {
  time_ = time;
  const auto here = host(request.group_id);
  const ConsumerGroup& group = here->group;
  if (const auto error = check_classic(group, request.member_id, request.group_instance_id); error != ErrorCode::none)
    return error;
  const ConsumerGroupMember& member = *group.find(request.member_id);
  if (request.generation_id != member.epoch) return ErrorCode::illegal_generation;
  restart_session(here, member.id);
  // There is a newer epoch, something to give up, or what it waits for is free.
  const bool has_to_join = member.epoch < group.epoch() || member.state == MemberState::unrevoked_partitions ||
                           (member.state == MemberState::unreleased_partitions && !group.is_awaiting_release(member));
  if (!has_to_join) return ErrorCode::none;
  watch_join(here, member);
  return ErrorCode::rebalance_in_progress;
}

ErrorCode ConsumerGroups::leave(std::string_view group_id, const protocol::LeaveGroupRequest::Member& leaving,
                                GroupTime time) {
  const ConsumerGroup& group = *find(group_id);
  std::string member_id(leaving.member_id);
  if (member_id.empty() && leaving.group_instance_id) {
    // An admin removes a static member by its name alone.
    const ConsumerGroupMember* const named = group.find_static(*leaving.group_instance_id);
    if (named == nullptr) return ErrorCode::unknown_member_id;
    member_id = named->id;
  }
  if (const auto error = check_member(group, member_id, leaving.group_instance_id); error != ErrorCode::none)
    return error;
  take_turn(
      group_id,
      [this, member_id](Host* here) {
        const ConsumerGroupMember* const member = here == nullptr ? nullptr : here->group.find(member_id);
        if (member != nullptr) fence(*here, ConsumerGroupMember(*member));
        return Host::Done();
      },
      time);
  return ErrorCode::none;
}

void ConsumerGroups::watch_join(const std::shared_ptr<Host>& host, const ConsumerGroupMember& member) {
  auto& deadline = host->clocks[member.id].join_deadline;
  if (deadline) return;
  deadline = time_.now + std::chrono::milliseconds(member.rebalance_timeout_ms);
  arm(host, member.id);
}

bool ConsumerGroups::may_be_classic(const ConsumerGroup& group) const {
  return config_.may_downgrade() && group.is_all_classic() && classic_groups_.has_room_for(group.members().size());
}

void ConsumerGroups::become_classic(Host& host) {
  auto record = classic_groups_.adopt(host.group);
  dissolve(host);
  if (record) host.group.add_record(std::move(*record));
}

void ConsumerGroups::give_back(Host& host) {
  ConsumerGroup& group = host.group;
  std::vector<std::string> others;
  for (const auto& [id, member] : group.members()) {
    if (!member.classic) others.push_back(id);
  }
  for (const auto& id : others) {
    disarm(host, id);
    group.remove(id);
  }
  if (group.is_all_classic()) {
    become_classic(host);
  } else {
    dissolve(host);
  }
}

}  // namespace millrace::coordinator

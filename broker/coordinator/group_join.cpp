// JoinGroup: who comes in, who stays, who is somebody else's successor.
#include <array>
#include <utility>

#include "broker/coordinator/group_answers.h"
#include "broker/coordinator/group_coordinator.h"
#include "broker/protocol/wire_value.h"

namespace millrace::coordinator {

using protocol::ErrorCode;

namespace {

// How long a new member may wait for its first generation: it knows its id only from the answer, so it cannot show that it lives
// (GroupCoordinator.NewMemberJoinTimeoutMs).
constexpr std::int64_t new_member_join_timeout_ms = 300'000;
constexpr protocol::Version skips_assignment_since = 9;
constexpr protocol::Version requires_member_id_since = 4;

}  // namespace

// A static member as it was before another process took over its name.
struct GroupCoordinator::StaticReplacement {
  std::string new_member_id;
  std::string old_member_id;
  std::string old_leader_id;
  std::int32_t generation = 0;
  protocol::Version version = 0;
  std::vector<GroupProtocol> protocols;
  std::int32_t rebalance_timeout_ms = 0;
  std::int32_t session_timeout_ms = 0;
};

void GroupCoordinator::join(const protocol::JoinGroupRequest& request, const GroupClient& client, JoinAnswer answer,
                            GroupTime time) {
  time_ = time;
  if (client.version == 0 && request.rebalance_timeout_ms != request.session_timeout_ms) {
    auto with_timeout = request;
    with_timeout.rebalance_timeout_ms = request.session_timeout_ms;
    return join(with_timeout, client, std::move(answer), time);
  }
  if (const auto error = refusal(request.group_id, false); error != ErrorCode::none)
    return refuse_join(answer, client, request.member_id, error);
  if (request.session_timeout_ms < config_.group_min_session_timeout_ms ||
      request.session_timeout_ms > config_.group_max_session_timeout_ms)
    return refuse_join(answer, client, request.member_id, ErrorCode::invalid_session_timeout);
  if (is_claimed(request.group_id)) return join_claimed(request, client, std::move(answer));
  join_classic(request, client, std::move(answer));
}

void GroupCoordinator::join_classic(const protocol::JoinGroupRequest& request, const GroupClient& client,
                                    JoinAnswer answer) {
  const bool is_new = request.member_id.empty();
  const GroupPointer group = is_new ? get_or_create(request.group_id) : pointer(request.group_id);
  if (!group) return refuse_join(answer, client, request.member_id, ErrorCode::unknown_member_id);
  if (!has_room(*group, request.member_id)) {
    group->remove_pending(request.member_id);
    if (GroupMember* const member = group->find(request.member_id); member != nullptr) group->remove(*member);
    refuse_join(answer, client, {}, ErrorCode::group_max_size_reached);
  } else if (is_new) {
    join_new(group, request, client, std::move(answer));
  } else {
    join_current(*group, request, client, std::move(answer));
  }
  if (group->is(GroupState::preparing_rebalance)) try_complete_join(*group);
}

bool GroupCoordinator::has_room(Group& group, std::string_view member_id) const {
  const auto max_size = static_cast<std::size_t>(config_.group_max_size);
  const GroupMember* const member = group.find(member_id);
  switch (group.state()) {
    case GroupState::empty:
    case GroupState::dead:
      return true;
    case GroupState::preparing_rebalance:
      // Who waits counts, not who is known: the last ones to come back are those that are too many.
      return (member != nullptr && member->join) || group.awaiting_join_count() < max_size;
    case GroupState::completing_rebalance:
    case GroupState::stable:
      return member != nullptr || group.size() < max_size;
  }
  return false;
}

// The prefix and a random UUID, as java.util.UUID.randomUUID writes it; empty when that would be too long for any answer.
std::string GroupCoordinator::new_member_id(std::string_view prefix) {
  constexpr std::string_view digits = "0123456789abcdef";
  constexpr std::size_t uuid_characters = 36;
  if (prefix.size() + 1 + uuid_characters > protocol::string_limit_bytes) return {};
  std::array<std::uint8_t, 16> bytes{};
  random_.fill(bytes);
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
  std::string id(prefix);
  id += '-';
  for (std::size_t index = 0; index < bytes.size(); ++index) {
    if (index == 4 || index == 6 || index == 8 || index == 10) id += '-';
    id += digits[bytes[index] >> 4];
    id += digits[bytes[index] & 15];
  }
  return id;
}

void GroupCoordinator::join_new(const GroupPointer& group, const protocol::JoinGroupRequest& request,
                                const GroupClient& client, JoinAnswer answer) {
  if (!group->supports(request.protocol_type, request.protocols))
    return refuse_join(answer, client, {}, ErrorCode::inconsistent_group_protocol);
  std::string member_id = new_member_id(request.group_instance_id.value_or(client.client_id));
  if (member_id.empty()) return refuse_join(answer, client, {}, ErrorCode::unknown_server_error);
  if (request.group_instance_id) {
    GroupMember* const known = group->find_static(*request.group_instance_id);
    if (known != nullptr)
      return replace_static(group, *known, std::move(member_id), request, client, std::move(answer));
  } else if (client.version >= requires_member_id_since) {
    group->add_pending(member_id, time_.now + std::chrono::milliseconds(request.session_timeout_ms));
    return refuse_join(answer, client, member_id, ErrorCode::member_id_required);
  }
  add_member(*group, std::move(member_id), request, client, std::move(answer));
}

void GroupCoordinator::join_current(Group& group, const protocol::JoinGroupRequest& request, const GroupClient& client,
                                    JoinAnswer answer) {
  const auto refused = [&](ErrorCode error) { refuse_join(answer, client, request.member_id, error); };
  if (!group.supports(request.protocol_type, request.protocols)) return refused(ErrorCode::inconsistent_group_protocol);
  if (group.is_pending(request.member_id)) {
    // Ids are handed out to dynamic members only: a client that comes back as a static one is broken (Kafka throws).
    if (request.group_instance_id) return refused(ErrorCode::unknown_server_error);
    return add_member(group, std::string(request.member_id), request, client, std::move(answer));
  }
  if (const auto error = check_member(group, request.member_id, request.group_instance_id); error != ErrorCode::none)
    return refused(error);
  GroupMember& member = *group.find(request.member_id);
  const bool changes = !member.matches(request.protocols);
  switch (group.state()) {
    case GroupState::preparing_rebalance:
      return rejoin(group, member, request, {client.version, std::move(answer)});
    case GroupState::completing_rebalance:
      if (changes) return rejoin(group, member, request, {client.version, std::move(answer)});
      // It did not get the answer, perhaps.
      return answer(generation_answer(group, member.id, group.is_leader(member)));
    case GroupState::stable:
      // The leader comes again when something that only it sees has changed, such as a topic's partitions.
      if (changes || group.is_leader(member))
        return rejoin(group, member, request, {client.version, std::move(answer)});
      return answer(generation_answer(group, member.id, false));
    case GroupState::empty:
    case GroupState::dead:
      return refused(ErrorCode::unknown_member_id);
  }
}

void GroupCoordinator::rejoin(Group& group, GroupMember& member, const protocol::JoinGroupRequest& request,
                              WaitingJoin join) {
  group.update(member, copy_protocols(request.protocols), request.rebalance_timeout_ms, request.session_timeout_ms);
  group.await_join(member, std::move(join));
  prepare_rebalance_if_possible(group);
}

void GroupCoordinator::add_member(Group& group, std::string member_id, const protocol::JoinGroupRequest& request,
                                  const GroupClient& client, JoinAnswer answer) {
  if (group.is(GroupState::preparing_rebalance) && group.generation() == 0) group.new_member_added = true;
  GroupMember& member = group.add(std::move(member_id), request, client.client_id, client.host);
  member.is_new = true;
  group.await_join(member, {client.version, std::move(answer)});
  arm(member.session, new_member_join_timeout_ms);
  prepare_rebalance_if_possible(group);
}

void GroupCoordinator::replace_static(const GroupPointer& group, GroupMember& member, std::string member_id,
                                      const protocol::JoinGroupRequest& request, const GroupClient& client,
                                      JoinAnswer answer) {
  StaticReplacement replacement{
      member_id,      member.id,        std::string(group->leader_id()), group->generation(),
      client.version, member.protocols, member.rebalance_timeout_ms,     member.session_timeout_ms};
  group->answer_join(member, member.id, ErrorCode::fenced_instance_id);
  group->answer_sync(member, ErrorCode::fenced_instance_id);
  group->rename(member, std::move(member_id));
  restart_session(member);
  group->update(member, copy_protocols(request.protocols), request.rebalance_timeout_ms, request.session_timeout_ms);
  group->await_join(member, {client.version, std::move(answer)});
  if (group->is(GroupState::completing_rebalance)) {
    // The leader may assign to the old id, and the new one would get nothing.
    prepare_rebalance(*group);
  } else if (group->is(GroupState::stable)) {
    if (group->protocol_name() != group->select_protocol()) return prepare_rebalance(*group);
    TextMap<std::vector<std::uint8_t>> assignments;
    for (const auto& each : group->members()) assignments.emplace(each.id, each.assignment);
    store(*group, group->record(assignments),
          [this, group, replacement = std::move(replacement)](ErrorCode error) mutable {
            on_replacement_stored(*group, replacement, error);
          });
  }
}

void GroupCoordinator::on_replacement_stored(Group& group, StaticReplacement& replacement, ErrorCode error) {
  GroupMember* const member = group.find(replacement.new_member_id);
  // In between a rebalance may have begun, which answers the member in the end, or another process may have taken over.
  if (member == nullptr || !group.is(GroupState::stable) || group.generation() != replacement.generation) return;
  const bool leads = group.is_leader(*member);
  const bool may_skip = replacement.version >= skips_assignment_since;
  auto response = generation_answer(group, member->id, error == ErrorCode::none && may_skip && leads);
  response.error_code = error;
  if (error != ErrorCode::none) response.member_id = {};
  // A leader from before version 9 must not think that it leads: nobody would take its new assignment. It hears its old id.
  if (error != ErrorCode::none || !may_skip) response.leader = replacement.old_leader_id;
  response.skip_assignment = error == ErrorCode::none && may_skip && leads;
  group.answer_join(*member, response);
  if (error == ErrorCode::none) return;
  group.update(*member, std::move(replacement.protocols), replacement.rebalance_timeout_ms,
               replacement.session_timeout_ms);
  group.rename(*member, replacement.old_member_id);
  restart_session(*member);
}

}  // namespace millrace::coordinator

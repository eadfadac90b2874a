// SyncGroup, Heartbeat, LeaveGroup: what members of a generation say.
#include <utility>

#include "broker/coordinator/consumer_groups.h"
#include "broker/coordinator/group_coordinator.h"

namespace millrace::coordinator {

using protocol::ErrorCode;

ErrorCode GroupCoordinator::check_member(Group& group, std::string_view member_id,
                                         const protocol::NullableString& instance_id) {
  if (instance_id) {
    const GroupMember* const current = group.find_static(*instance_id);
    if (current == nullptr) return ErrorCode::unknown_member_id;
    if (current->id != member_id) return ErrorCode::fenced_instance_id;
  }
  return group.find(member_id) == nullptr ? ErrorCode::unknown_member_id : ErrorCode::none;
}

namespace {

void refuse(SyncAnswer& answer, ErrorCode error) {
  protocol::SyncGroupResponse response;
  response.error_code = error;
  answer(response);
}

ErrorCode check_sync(const Group& group, const protocol::SyncGroupRequest& request) {
  if (request.generation_id != group.generation()) return ErrorCode::illegal_generation;
  if (request.protocol_type && group.protocol_type() != *request.protocol_type)
    return ErrorCode::inconsistent_group_protocol;
  if (request.protocol_name && group.protocol_name() != *request.protocol_name)
    return ErrorCode::inconsistent_group_protocol;
  if (group.is(GroupState::empty)) return ErrorCode::unknown_member_id;
  if (group.is(GroupState::preparing_rebalance)) return ErrorCode::rebalance_in_progress;
  return ErrorCode::none;
}

}  // namespace

void GroupCoordinator::sync(const protocol::SyncGroupRequest& request, SyncAnswer answer, GroupTime time) {
  time_ = time;
  ErrorCode error = refusal(request.group_id, false);
  // The rebalance that the member is in is lost; older clients do not expect to hear of loading here.
  if (error == ErrorCode::coordinator_load_in_progress) error = ErrorCode::rebalance_in_progress;
  if (error != ErrorCode::none) return refuse(answer, error);
  if (find_consumer(request.group_id) != nullptr)
    return consumer_groups_->sync_classic(request, std::move(answer), time);
  const GroupPointer group = pointer(request.group_id);
  if (!group) return refuse(answer, ErrorCode::unknown_member_id);
  error = check_member(*group, request.member_id, request.group_instance_id);
  if (error == ErrorCode::none) error = check_sync(*group, request);
  if (error != ErrorCode::none) return refuse(answer, error);
  GroupMember& member = *group->find(request.member_id);
  group->set_owes_sync(member, false);
  if (group->owed_sync_count() == 0) group->sync_timer.cancel();
  group->await_sync(member, std::move(answer));
  if (group->is(GroupState::completing_rebalance)) {
    if (group->is_leader(member)) store_assignment(group, request);
    return;
  }
  protocol::SyncGroupResponse response;
  if (group->protocol_type()) response.protocol_type = *group->protocol_type();
  if (group->protocol_name()) response.protocol_name = *group->protocol_name();
  response.assignment = member.assignment;
  group->answer_sync(member, response);
  restart_session(member);
}

void GroupCoordinator::store_assignment(const GroupPointer& group, const protocol::SyncGroupRequest& request) {
  if (group->is_storing_assignment) return;
  group->is_storing_assignment = true;
  TextMap<std::vector<std::uint8_t>> assignments;
  for (const auto& each : request.assignments) {
    assignments.insert_or_assign(std::string(each.member_id),
                                 std::vector<std::uint8_t>(each.assignment.begin(), each.assignment.end()));
  }
  auto record = group->record(assignments);
  store(*group, std::move(record),
        [this, group, generation = group->generation(), assignments = std::move(assignments)](ErrorCode error) mutable {
          // In between the group may have gone on to another generation, which has an assignment of its own.
          if (!group->is(GroupState::completing_rebalance) || group->generation() != generation) return;
          group->is_storing_assignment = false;
          if (error != ErrorCode::none) {
            reset_assignments(*group, error);
            return prepare_rebalance(*group);
          }
          for (auto& member : group->members()) {
            const auto assigned = assignments.find(member.id);
            member.assignment =
                assigned == assignments.end() ? std::vector<std::uint8_t>{} : std::move(assigned->second);
          }
          propagate_assignments(*group);
          group->transition_to(GroupState::stable, time_.wall);
        });
}

ErrorCode GroupCoordinator::heartbeat(const protocol::HeartbeatRequest& request, GroupTime time) {
  time_ = time;
  ErrorCode error = refusal(request.group_id, false);
  if (error == ErrorCode::coordinator_load_in_progress)
    return ErrorCode::none;  // nobody is judged before the log is read
  if (error != ErrorCode::none) return error;
  if (find_consumer(request.group_id) != nullptr) return consumer_groups_->heartbeat_classic(request, time);
  const GroupPointer group = pointer(request.group_id);
  if (!group) return ErrorCode::unknown_member_id;
  error = check_member(*group, request.member_id, request.group_instance_id);
  if (error != ErrorCode::none) return error;
  if (request.generation_id != group->generation()) return ErrorCode::illegal_generation;
  restart_session(*group->find(request.member_id));
  return group->is(GroupState::preparing_rebalance) ? ErrorCode::rebalance_in_progress : ErrorCode::none;
}

protocol::LeaveGroupResponse GroupCoordinator::leave(const protocol::LeaveGroupRequest& request,
                                                     protocol::Version version, GroupTime time) {
  time_ = time;
  protocol::LeaveGroupResponse response;
  response.error_code = refusal(request.group_id, false);
  if (response.error_code != ErrorCode::none) return response;
  const auto left = [&](const protocol::LeaveGroupRequest::Member& leaving) {
    if (find_consumer(request.group_id) != nullptr) return consumer_groups_->leave(request.group_id, leaving, time);
    // One who has left may have made it a classic group.
    const GroupPointer group = pointer(request.group_id);
    return group ? leave_one(*group, leaving) : ErrorCode::unknown_member_id;
  };
  if (version < 3) {
    response.error_code = left({request.member_id, std::nullopt, std::nullopt});
    return response;
  }
  response.members.reserve(request.members.size());
  for (const auto& leaving : request.members)
    response.members.push_back({leaving.member_id, leaving.group_instance_id, left(leaving)});
  return response;
}

ErrorCode GroupCoordinator::leave_one(Group& group, const protocol::LeaveGroupRequest::Member& leaving) {
  if (leaving.member_id.empty()) {
    // An admin removes a static member by its name alone.
    GroupMember* const member = leaving.group_instance_id ? group.find_static(*leaving.group_instance_id) : nullptr;
    if (member == nullptr) return ErrorCode::unknown_member_id;
    remove_member(group, *member);
    return ErrorCode::none;
  }
  if (group.is_pending(leaving.member_id)) {
    remove_pending(group, leaving.member_id);
    return ErrorCode::none;
  }
  const ErrorCode error = check_member(group, leaving.member_id, leaving.group_instance_id);
  if (error == ErrorCode::none) remove_member(group, *group.find(leaving.member_id));
  return error;
}

}  // namespace millrace::coordinator

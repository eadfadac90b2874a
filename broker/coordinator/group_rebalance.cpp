// A rebalance in its two phases: members join until all are there or the time is up; then they ask for what the leader assigns.
#include <algorithm>
#include <utility>

#include "broker/coordinator/group_answers.h"
#include "broker/coordinator/group_coordinator.h"

namespace millrace::coordinator {

using protocol::ErrorCode;

namespace {

// A group of static members that are away, with rebalance timeouts of nothing, would be looked at without end.
constexpr std::int32_t absent_members_wait_ms = 100;

}  // namespace

void GroupCoordinator::prepare_rebalance(Group& group) {
  if (group.is(GroupState::completing_rebalance)) reset_assignments(group, ErrorCode::rebalance_in_progress);
  group.clear_owed_syncs();
  group.sync_timer.cancel();
  const std::int32_t timeout_ms = group.longest_rebalance_timeout_ms();
  const bool is_first = group.is(GroupState::empty);
  group.transition_to(GroupState::preparing_rebalance, time_.wall);
  if (is_first) {
    const std::int32_t delay_ms = config_.group_initial_rebalance_delay_ms;
    group.initial_delay = {delay_ms, std::max(timeout_ms - delay_ms, 0)};
    arm(group.join_timer, delay_ms);
  } else {
    group.initial_delay.reset();
    arm(group.join_timer, timeout_ms);
    try_complete_join(group);
  }
}

void GroupCoordinator::prepare_rebalance_if_possible(Group& group) {
  if (group.is(GroupState::empty) || group.is(GroupState::stable) || group.is(GroupState::completing_rebalance))
    prepare_rebalance(group);
}

void GroupCoordinator::try_complete_join(Group& group) {
  if (group.initial_delay || !group.has_all_members_joined()) return;
  group.join_timer.cancel();
  complete_join(group);
}

void GroupCoordinator::on_join_timer(Group& group) {
  if (group.initial_delay && group.new_member_added && group.initial_delay->remaining_ms != 0) {
    group.new_member_added = false;
    const Group::InitialDelay before = *group.initial_delay;
    group.initial_delay = {std::min(config_.group_initial_rebalance_delay_ms, before.remaining_ms),
                           std::max(before.remaining_ms - before.delay_ms, 0)};
    arm(group.join_timer, group.initial_delay->delay_ms);
    return;
  }
  group.initial_delay.reset();
  complete_join(group);
}

void GroupCoordinator::complete_join(Group& group) {
  for (auto member = group.members().begin(); member != group.members().end();) {
    GroupMember& each = *member++;
    if (!each.join && !each.is_static()) group.remove(each);
  }
  if (!group.elect_joined_leader() && group.size() > 0) {
    // Static members all, of whom none is back: sooner or later their sessions end.
    return arm(group.join_timer, std::max(group.longest_rebalance_timeout_ms(), absent_members_wait_ms));
  }
  group.start_generation(time_.wall);
  if (group.is(GroupState::empty)) {
    // Should this fail, the generation before is found in the log, whose members then time out.
    store(group, group.record({}), [](ErrorCode) {});
  } else {
    answer_generation(group);
  }
}

void GroupCoordinator::answer_generation(Group& group) {
  for (auto& member : group.members()) {
    if (member.join) group.answer_join(member, generation_answer(group, member.id, group.is_leader(member)));
    restart_session(member);
    member.is_new = false;
    group.set_owes_sync(member, true);
  }
  arm(group.sync_timer, group.longest_rebalance_timeout_ms());
}

void GroupCoordinator::on_sync_timer(Group& group) {
  if (group.owed_sync_count() == 0) return;
  for (auto member = group.members().begin(); member != group.members().end();) {
    GroupMember& each = *member++;
    if (each.owes_sync) group.remove(each);
  }
  prepare_rebalance(group);
}

void GroupCoordinator::on_session_timer(Group& group, GroupMember& member) {
  if (!member.is_excused()) remove_member(group, member);
}

void GroupCoordinator::remove_member(Group& group, GroupMember& member) {
  group.remove(member);
  if (group.is(GroupState::preparing_rebalance)) {
    try_complete_join(group);
  } else if (!group.is(GroupState::empty)) {
    prepare_rebalance_if_possible(group);
  }
}

void GroupCoordinator::remove_pending(Group& group, std::string_view member_id) {
  group.remove_pending(member_id);
  if (group.is(GroupState::preparing_rebalance)) try_complete_join(group);
}

void GroupCoordinator::propagate_assignments(Group& group) {
  protocol::SyncGroupResponse response;
  if (group.protocol_type()) response.protocol_type = *group.protocol_type();
  if (group.protocol_name()) response.protocol_name = *group.protocol_name();
  for (auto& member : group.members()) {
    response.assignment = member.assignment;
    // While it waited for the answer its session did not count.
    if (group.answer_sync(member, response)) restart_session(member);
  }
}

void GroupCoordinator::reset_assignments(Group& group, ErrorCode error) {
  for (auto& member : group.members()) {
    member.assignment.clear();
    if (group.answer_sync(member, error)) restart_session(member);
  }
}

}  // namespace millrace::coordinator

#include "broker/coordinator/consumer_group_reconciliation.h"

#include <algorithm>
#include <iterator>

namespace millrace::coordinator {
namespace {

using Partitions = std::vector<PartitionIndex>;

const Partitions& partitions_of(const AssignedPartitions& assignment, const TopicId& topic) {
  static const Partitions none;
  const auto found = assignment.find(topic);
  return found == assignment.end() ? none : found->second;
}

// Those of `left` that are in `right`, too, or are not.
AssignedPartitions filter(const AssignedPartitions& left, const AssignedPartitions& right, bool are_in_both) {
  AssignedPartitions result;
  for (const auto& [topic, partitions] : left) {
    const auto& others = partitions_of(right, topic);
    Partitions kept;
    if (are_in_both) {
      std::ranges::set_intersection(partitions, others, std::back_inserter(kept));
    } else {
      std::ranges::set_difference(partitions, others, std::back_inserter(kept));
    }
    if (!kept.empty()) result.emplace(topic, std::move(kept));
  }
  return result;
}

// A member that does not say what it has may have all of it.
bool may_own(const std::optional<AssignedPartitions>& owned, const AssignedPartitions& partitions) {
  return !owned || !filter(*owned, partitions, true).empty();
}

ConsumerGroupMember next_assignment(const ConsumerGroupMember& member, const ReconciliationTarget& target,
                                    const std::optional<AssignedPartitions>& owned) {
  ConsumerGroupMember next = member;
  next.assigned = filter(member.assigned, target.assignment, true);
  next.pending_revocation = filter(member.assigned, target.assignment, false);
  if (!next.pending_revocation.empty() && may_own(owned, next.pending_revocation)) {
    next.state = MemberState::unrevoked_partitions;
    next.advance_to(member.epoch);
    return next;
  }
  next.pending_revocation.clear();
  next.state = MemberState::stable;
  for (const auto& [topic, partitions] : filter(target.assignment, next.assigned, false)) {
    Partitions free;
    std::ranges::copy_if(partitions, std::back_inserter(free),
                         [&](PartitionIndex partition) { return !target.is_taken(topic, partition); });
    if (free.size() < partitions.size()) next.state = MemberState::unreleased_partitions;
    add_partitions(next.assigned, topic, free);
  }
  next.advance_to(target.epoch);
  return next;
}

}  // namespace

ConsumerGroupMember reconcile(const ConsumerGroupMember& member, const ReconciliationTarget& target,
                              const std::optional<AssignedPartitions>& owned) {
  if (member.is_reconciled_to(target.epoch)) return member;
  if (member.state == MemberState::unrevoked_partitions && may_own(owned, member.pending_revocation)) return member;
  auto next = next_assignment(member, target, owned);
  // Still the same wait in the same epoch: which epoch it came from is no news.
  const bool is_waiting = next.state == member.state && next.epoch == member.epoch &&
                          next.assigned == member.assigned && next.pending_revocation == member.pending_revocation;
  return is_waiting ? member : next;
}

}  // namespace millrace::coordinator

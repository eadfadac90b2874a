#include "broker/coordinator/consumer_group.h"

#include <algorithm>
#include <iterator>

#include "broker/base/check.h"
#include "broker/coordinator/consumer_protocol.h"

namespace millrace::coordinator {

std::string_view to_string(ConsumerGroupState state) {
  switch (state) {
    case ConsumerGroupState::empty:
      return "Empty";
    case ConsumerGroupState::assigning:
      return "Assigning";
    case ConsumerGroupState::reconciling:
      return "Reconciling";
    case ConsumerGroupState::stable:
      return "Stable";
  }
  return "";
}

ConsumerGroupState ConsumerGroup::state() const {
  if (members_.empty()) return ConsumerGroupState::empty;
  if (epoch_ != target_epoch_) return ConsumerGroupState::assigning;
  const bool is_stable =
      std::ranges::all_of(members_, [&](const auto& each) { return each.second.is_reconciled_to(target_epoch_); });
  return is_stable ? ConsumerGroupState::stable : ConsumerGroupState::reconciling;
}

const ConsumerGroupMember* ConsumerGroup::find(std::string_view member_id) const {
  const auto found = members_.find(member_id);
  return found == members_.end() ? nullptr : &found->second;
}

const ConsumerGroupMember* ConsumerGroup::find_static(std::string_view instance_id) const {
  const auto found = static_ids_.find(instance_id);
  return found == static_ids_.end() ? nullptr : find(found->second);
}

const AssignedPartitions& ConsumerGroup::target(std::string_view member_id) const {
  static const AssignedPartitions none;
  const auto found = targets_.find(member_id);
  return found == targets_.end() ? none : found->second;
}

bool ConsumerGroup::is_subscribed_to(std::string_view topic) const {
  return std::ranges::any_of(
             members_,
             [&](const auto& each) { return std::ranges::binary_search(each.second.topics, topic, std::less<>{}); }) ||
         std::ranges::any_of(patterns_, [&](const auto& each) {
           return std::ranges::binary_search(each.second.topics, topic, std::less<>{});
         });
}

std::vector<std::string> ConsumerGroup::subscribed_names(const ConsumerGroupMember& member) const {
  const auto pattern = patterns_.find(member.pattern);
  if (pattern == patterns_.end()) return member.topics;
  std::vector<std::string> names;
  std::ranges::set_union(member.topics, pattern->second.topics, std::back_inserter(names));
  return names;
}

std::set<std::string> ConsumerGroup::subscribed_names() const {
  std::set<std::string> names;
  for (const auto& [id, member] : members_) names.insert(member.topics.begin(), member.topics.end());
  for (const auto& [text, resolved] : patterns_) names.insert(resolved.topics.begin(), resolved.topics.end());
  return names;
}

std::size_t ConsumerGroup::subscriber_count(std::string_view pattern) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(members_, [&](const auto& each) { return each.second.pattern == pattern; }));
}

bool ConsumerGroup::is_taken(std::string_view member_id, const TopicId& topic, PartitionIndex partition) const {
  const auto partitions = owners_.find(topic);
  if (partitions == owners_.end()) return false;
  const auto owner = partitions->second.find(partition);
  return owner != partitions->second.end() && *owner->second != member_id;
}

std::size_t ConsumerGroup::classic_count() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(members_, [](const auto& each) { return each.second.classic.has_value(); }));
}

std::size_t ConsumerGroup::classic_count(std::string_view protocol) const {
  return static_cast<std::size_t>(std::ranges::count_if(members_, [&](const auto& each) {
    const auto& classic = each.second.classic;
    return classic && std::ranges::find(classic->protocols, protocol, &GroupProtocol::name) != classic->protocols.end();
  }));
}

bool ConsumerGroup::supports_classic(std::string_view protocol_type,
                                     const std::vector<protocol::JoinGroupRequest::Protocol>& protocols) const {
  const std::size_t count = classic_count();
  return protocol_type == consumer_protocol_type &&
         std::ranges::any_of(protocols, [&](const auto& each) { return classic_count(each.name) == count; });
}

bool ConsumerGroup::is_all_classic() const {
  if (members_.empty() || classic_count() != members_.size()) return false;
  return std::ranges::any_of(members_.begin()->second.classic->protocols,
                             [&](const auto& each) { return classic_count(each.name) == members_.size(); });
}

bool ConsumerGroup::is_awaiting_release(const ConsumerGroupMember& member) const {
  return std::ranges::any_of(target(member.id), [&](const auto& topic) {
    return std::ranges::any_of(topic.second,
                               [&](PartitionIndex partition) { return is_taken(member.id, topic.first, partition); });
  });
}

std::optional<std::string_view> ConsumerGroup::preferred_assignor() const {
  std::map<std::string_view, std::size_t> votes;
  for (const auto& [id, member] : members_) {
    if (member.assignor) ++votes[*member.assignor];
  }
  if (votes.empty()) return std::nullopt;
  return std::ranges::max_element(votes, {}, [](const auto& vote) { return vote.second; })->first;
}

void ConsumerGroup::set_epoch(std::int32_t epoch) {
  epoch_ = epoch;
  log(group_epoch_record(id_, epoch));
}

void ConsumerGroup::set_topics(SubscribedTopics topics) {
  topics_ = std::move(topics);
  log(subscribed_topics_record(id_, topics_));
}

void ConsumerGroup::set_target_epoch(std::int32_t epoch) {
  target_epoch_ = epoch;
  log(target_epoch_record(id_, epoch));
}

void ConsumerGroup::set_target(std::string_view member_id, AssignedPartitions partitions) {
  log(target_record(id_, member_id, partitions));
  targets_.insert_or_assign(std::string(member_id), std::move(partitions));
}

void ConsumerGroup::set_pattern(std::string_view pattern, ResolvedPattern resolved) {
  log(pattern_record(id_, pattern, resolved));
  patterns_.insert_or_assign(std::string(pattern), std::move(resolved));
}

void ConsumerGroup::erase_pattern(std::string_view pattern) {
  const auto found = patterns_.find(pattern);
  if (found == patterns_.end()) return;
  log(pattern_tombstone(id_, pattern));
  patterns_.erase(found);
}

void ConsumerGroup::put_metadata(const ConsumerGroupMember& member) {
  keep(member);
  log(member_record(id_, member));
}

void ConsumerGroup::put_assignment(const ConsumerGroupMember& member) {
  keep(member);
  log(current_assignment_record(id_, member));
}

void ConsumerGroup::remove(std::string_view member_id) {
  const auto found = members_.find(member_id);
  MILLRACE_INVARIANT(found != members_.end(), "only a member leaves its group");
  const ConsumerGroupMember& member = found->second;
  log(current_assignment_tombstone(id_, member.id));
  log(target_tombstone(id_, member.id));
  log(member_tombstone(id_, member.id));
  if (member.instance_id) {
    const auto named = static_ids_.find(*member.instance_id);
    if (named != static_ids_.end() && named->second == member.id) static_ids_.erase(named);
  }
  disown(member);
  if (const auto given = targets_.find(member_id); given != targets_.end()) targets_.erase(given);
  members_.erase(found);
}

const ConsumerGroupMember& ConsumerGroup::replace(std::string_view member_id, std::string_view new_member_id) {
  ConsumerGroupMember member = *find(member_id);
  AssignedPartitions given = target(member_id);
  remove(member_id);
  member.id = new_member_id;
  member.epoch = joining_member_epoch;
  member.previous_epoch = joining_member_epoch;
  put_metadata(member);
  set_target(new_member_id, std::move(given));
  put_assignment(member);
  return *find(new_member_id);
}

void ConsumerGroup::erase_everything() {
  for (const auto& [id, member] : members_) log(current_assignment_tombstone(id_, id));
  for (const auto& [id, member] : members_) log(target_tombstone(id_, id));
  log(target_epoch_tombstone(id_));
  for (const auto& [id, member] : members_) log(member_tombstone(id_, id));
  for (const auto& [text, resolved] : patterns_) log(pattern_tombstone(id_, text));
  log(subscribed_topics_tombstone(id_));
  log(group_epoch_tombstone(id_));
  owners_.clear();
  static_ids_.clear();
  targets_.clear();
  members_.clear();
  patterns_.clear();
  topics_.clear();
  epoch_ = 0;
  target_epoch_ = 0;
}

std::size_t ConsumerGroup::record_bytes() const {
  std::size_t bytes = 0;
  for (const auto& record : records_) bytes += record.key.size() + (record.value ? record.value->size() : 0);
  return bytes;
}

std::vector<GroupRecord> ConsumerGroup::snapshot() const {
  std::vector<GroupRecord> records;
  for (const auto& [id, member] : members_) records.push_back(member_record(id_, member));
  for (const auto& [text, resolved] : patterns_) records.push_back(pattern_record(id_, text, resolved));
  records.push_back(subscribed_topics_record(id_, topics_));
  records.push_back(group_epoch_record(id_, epoch_));
  for (const auto& [id, partitions] : targets_) records.push_back(target_record(id_, id, partitions));
  records.push_back(target_epoch_record(id_, target_epoch_));
  for (const auto& [id, member] : members_) records.push_back(current_assignment_record(id_, member));
  return records;
}

void ConsumerGroup::restore_member(const ConsumerGroupMember& member, std::optional<AssignedPartitions> target) {
  if (target) targets_.insert_or_assign(member.id, std::move(*target));
  keep(member);
}

void ConsumerGroup::restore(std::int32_t epoch, std::int32_t target_epoch, SubscribedTopics topics, Patterns patterns) {
  epoch_ = epoch;
  target_epoch_ = target_epoch;
  topics_ = std::move(topics);
  patterns_ = std::move(patterns);
}

void ConsumerGroup::keep(const ConsumerGroupMember& member) {
  const auto [place, is_new] = members_.try_emplace(member.id, member);
  if (!is_new) {
    disown(place->second);
    place->second = member;
  }
  own(place->second);
  if (member.instance_id) static_ids_.insert_or_assign(*member.instance_id, member.id);
}

void ConsumerGroup::own(const ConsumerGroupMember& member) {
  const std::string* const id = &members_.find(member.id)->first;
  for (const auto* assignment : {&member.assigned, &member.pending_revocation}) {
    for (const auto& [topic, partitions] : *assignment) {
      auto& owners = owners_[topic];
      for (const PartitionIndex partition : partitions) owners.try_emplace(partition, id);
    }
  }
}

void ConsumerGroup::disown(const ConsumerGroupMember& member) {
  for (const auto* assignment : {&member.assigned, &member.pending_revocation}) {
    for (const auto& [topic, partitions] : *assignment) {
      const auto owners = owners_.find(topic);
      if (owners == owners_.end()) continue;
      for (const PartitionIndex partition : partitions) {
        const auto owner = owners->second.find(partition);
        if (owner != owners->second.end() && *owner->second == member.id) owners->second.erase(owner);
      }
      if (owners->second.empty()) owners_.erase(owners);
    }
  }
}

}  // namespace millrace::coordinator

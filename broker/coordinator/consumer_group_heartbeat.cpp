// ConsumerGroupHeartbeat: joining, leaving, reporting; what it changes in the group, and what the member has afterwards.
#include <algorithm>
#include <chrono>
#include <utility>

#include "broker/coordinator/append_error.h"
#include "broker/coordinator/batch_size.h"
#include "broker/coordinator/consumer_group_encoding.h"
#include "broker/coordinator/consumer_group_reconciliation.h"
#include "broker/coordinator/consumer_groups.h"
#include "broker/coordinator/next_epoch.h"
#include "broker/coordinator/topic_pattern.h"

namespace millrace::coordinator {

using protocol::ErrorCode;

namespace {

// New topics are looked for no more often than that (GroupMetadataManager.REGEX_BATCH_REFRESH_MIN_INTERVAL_MS).
constexpr std::chrono::seconds pattern_refresh_interval{10};

std::string quoted_epochs(std::int32_t received, std::int32_t known) {
  return "epoch (" + std::to_string(received) + ") than the one known by the group coordinator (" +
         std::to_string(known) + "). The member must abandon all its partitions and rejoin.";
}

// Whether the member may go on from the epoch that it says: its own, or the one before when the answer that had its own was lost.
GroupRefusal check_epoch(const ConsumerGroupMember& member, const ConsumerGroupHeartbeat& heartbeat) {
  const std::int32_t received = heartbeat.member_epoch;
  if (received > member.epoch) {
    return {ErrorCode::fenced_member_epoch,
            "The consumer group member has a greater member " + quoted_epochs(received, member.epoch)};
  }
  if (received < member.epoch &&
      (received != member.previous_epoch || !heartbeat.owned || !is_subset(*heartbeat.owned, member.assigned))) {
    return {ErrorCode::fenced_member_epoch,
            "The consumer group member has a smaller member " + quoted_epochs(received, member.epoch)};
  }
  if (member.state == MemberState::unknown && (!heartbeat.owned || !heartbeat.owned->empty())) {
    return {ErrorCode::fenced_member_epoch,
            "The consumer group member is in a unknown state. The member must abandon all its partitions and rejoin."};
  }
  return {};
}

// Whether the member is the one of the instance id that it says.
GroupRefusal check_static(const ConsumerGroupMember* known, const ConsumerGroupHeartbeat& heartbeat) {
  if (known == nullptr) return {ErrorCode::unknown_member_id, "Instance id " + *heartbeat.instance_id + " is unknown."};
  if (known->id != heartbeat.member_id) {
    return {ErrorCode::fenced_instance_id, "Static member " + heartbeat.member_id + " with instance id " +
                                               *heartbeat.instance_id + " was fenced by member " + known->id + "."};
  }
  return {};
}

GroupRefusal unknown_member(const ConsumerGroup& group, const ConsumerGroupHeartbeat& heartbeat) {
  return {ErrorCode::unknown_member_id,
          "Member " + heartbeat.member_id + " is not a member of group " + group.id() + "."};
}

std::vector<std::string> matching_topics(const TopicDirectory& directory, std::string_view text,
                                         const MayDescribeTopic& may_describe) {
  std::vector<std::string> topics;
  const auto pattern = TopicPattern::parse(text);
  if (!pattern) return topics;  // of a record: what members bring has been checked
  directory.each([&](std::string_view topic) {
    if (pattern->matches(topic) && (!may_describe || may_describe(topic))) topics.emplace_back(topic);
  });
  std::ranges::sort(topics);
  return topics;
}

}  // namespace

GroupRefusal ConsumerGroups::check(const ConsumerGroup& group, const Heartbeat& heartbeat) const {
  const bool is_joining = heartbeat.member_epoch == joining_member_epoch;
  const ConsumerGroupMember* const member = group.find(heartbeat.member_id);
  if (member == nullptr && group.members().size() >= static_cast<std::size_t>(config_.group_consumer_max_size)) {
    return {ErrorCode::group_max_size_reached, "The consumer group has reached its maximum capacity of " +
                                                   std::to_string(config_.group_consumer_max_size) + " members."};
  }
  if (heartbeat.pattern && !heartbeat.pattern->empty() && !group.patterns().contains(*heartbeat.pattern)) {
    if (const auto pattern = TopicPattern::parse(*heartbeat.pattern); !pattern) {
      return {ErrorCode::invalid_regular_expression,
              "SubscribedTopicRegex `" + *heartbeat.pattern +
                  "` is not a valid regular expression: " + pattern.error().message + "."};
    }
  }
  if (!heartbeat.instance_id) {
    if (member != nullptr) return check_epoch(*member, heartbeat);
    return is_joining ? GroupRefusal{} : unknown_member(group, heartbeat);
  }
  const ConsumerGroupMember* const known = group.find_static(*heartbeat.instance_id);
  if (!is_joining) {
    if (auto refusal = check_static(known, heartbeat); refusal.error != ErrorCode::none) return refusal;
    return check_epoch(*known, heartbeat);
  }
  // A classic member says nothing when it leaves for a while.
  if (known != nullptr && !known->classic && known->epoch != leaving_static_member_epoch) {
    return {ErrorCode::unreleased_instance_id,
            "Static member " + heartbeat.member_id + " with instance id " + *heartbeat.instance_id +
                " cannot join the group because the instance id is owned by " + known->id + " member."};
  }
  return {};
}

GroupRefusal ConsumerGroups::admit(const std::shared_ptr<Host>& host, const Heartbeat& heartbeat) {
  if (host->group.exists() || heartbeat.member_epoch != joining_member_epoch) return check(host->group, heartbeat);
  // A request that waited since before the end.
  if (is_closed_) return {ErrorCode::unsupported_version, {}};
  auto upgraded = classic_groups_.upgraded(host->group.id());
  if (!upgraded) return std::move(upgraded.error());
  for (const auto& [id, member] : upgraded->members()) {
    if (auto refusal = check_size(*upgraded, member); refusal.error != ErrorCode::none) return refusal;
  }
  if (auto refusal = check(*upgraded, heartbeat); refusal.error != ErrorCode::none) return refusal;
  // What the group was in an earlier turn of the same append still has to be said.
  auto earlier = host->group.take_records();
  host->group = std::move(*upgraded);
  for (auto& record : earlier) host->group.add_record(std::move(record));
  classic_groups_.retire(host->group);
  if (!host->group.exists()) return {};
  for (auto& record : host->group.snapshot()) host->group.add_record(std::move(record));
  for (const auto& [id, member] : host->group.members()) restart_session(host, id);
  return {};
}

ConsumerGroupMember ConsumerGroups::enter(Host& host, std::string_view member_id,
                                          const protocol::NullableString& joining_instance) {
  ConsumerGroup& group = host.group;
  if (joining_instance) {
    if (const auto* const left = group.find_static(*joining_instance); left != nullptr) {
      disarm(host, left->id);
      return group.replace(std::string(left->id), member_id);
    }
  }
  if (const auto* const member = group.find(member_id); member != nullptr) return *member;
  ConsumerGroupMember made;
  made.id = member_id;
  return made;
}

ConsumerGroupMember ConsumerGroups::advance(const std::shared_ptr<Host>& host, const ConsumerGroupMember& before,
                                            const ConsumerGroupMember& member, const MayDescribeTopic* may_describe,
                                            const std::optional<AssignedPartitions>& owned) {
  ConsumerGroup& group = host->group;
  if (group.find(member.id) == nullptr || !same_metadata(member, before)) group.put_metadata(member);
  bool is_changed = group.epoch() == 0 || member.topics != before.topics || member.pattern != before.pattern;
  is_changed |= refresh_patterns(*host, may_describe);
  if (is_changed || host->topics_version != directory_.version()) is_changed |= refresh_topics(*host);
  if (is_changed) group.set_epoch(next_epoch(group.epoch()));
  if (group.epoch() != group.target_epoch()) assign(group);
  return reconcile_member(host, member, owned);
}

GroupRefusal ConsumerGroups::check_size(const ConsumerGroup& group, const ConsumerGroupMember& member) const {
  const std::size_t size_bytes = batch_overhead_bytes + batched_bytes(member_record(group.id(), member));
  if (size_bytes <= batch_bytes_max_) return {};
  return {consumer_group_store_error(ErrorCode::message_too_large),
          "What member " + member.id + " subscribes to takes " + std::to_string(size_bytes) +
              " bytes in the log, where a batch may have " + std::to_string(batch_bytes_max_) +
              " (message.max.bytes)."};
}

ConsumerGroupHeartbeatOutcome ConsumerGroups::beat(const std::shared_ptr<Host>& host, const Heartbeat& heartbeat) {
  if (heartbeat.topics || heartbeat.pattern) {
    ConsumerGroupMember announced;
    announced.id = heartbeat.member_id;
    heartbeat.apply_to(announced);
    if (auto refusal = check_size(host->group, announced); refusal.error != ErrorCode::none)
      return {.refusal = std::move(refusal)};
  }
  if (auto refusal = admit(host, heartbeat); refusal.error != ErrorCode::none) return {.refusal = std::move(refusal)};
  protocol::NullableString joining_instance;
  if (heartbeat.instance_id && heartbeat.member_epoch == joining_member_epoch)
    joining_instance = *heartbeat.instance_id;
  const ConsumerGroupMember before = enter(*host, heartbeat.member_id, joining_instance);
  ConsumerGroupMember member = before;
  heartbeat.apply_to(member);
  const ConsumerGroupMember after = advance(host, before, member, &heartbeat.may_describe, heartbeat.owned);
  auto& clock = host->clocks[after.id];
  clock.join_deadline.reset();
  clock.sync_deadline.reset();
  restart_session(host, after.id);
  Outcome outcome{.refusal = {},
                  .member_id = after.id,
                  .member_epoch = after.epoch,
                  .heartbeat_interval_ms = config_.group_consumer_heartbeat_interval_ms};
  if (heartbeat.is_full() || after.assigned != before.assigned) outcome.assignment = after.assigned;
  return outcome;
}

ConsumerGroupHeartbeatOutcome ConsumerGroups::leave(Host& host, const Heartbeat& heartbeat) {
  ConsumerGroup& group = host.group;
  const ConsumerGroupMember* member = group.find(heartbeat.member_id);
  if (heartbeat.instance_id) {
    member = group.find_static(*heartbeat.instance_id);
    if (auto refusal = check_static(member, heartbeat); refusal.error != ErrorCode::none)
      return {.refusal = std::move(refusal)};
  }
  if (member == nullptr) return {.refusal = unknown_member(group, heartbeat)};
  ConsumerGroupMember leaving = *member;
  if (heartbeat.instance_id && heartbeat.member_epoch == leaving_static_member_epoch) {
    // What it has stays its own until its successor comes or its session ends.
    leaving.epoch = leaving_static_member_epoch;
    leaving.pending_revocation.clear();
    group.put_assignment(leaving);
    host.clocks[leaving.id].rebalance_deadline.reset();
  } else {
    fence(host, leaving);
  }
  return {.refusal = {}, .member_id = heartbeat.member_id, .member_epoch = heartbeat.member_epoch};
}

void ConsumerGroups::fence(Host& host, const ConsumerGroupMember& member) {
  ConsumerGroup& group = host.group;
  disarm(host, member.id);
  group.remove(member.id);
  if (!member.classic && may_be_classic(group)) return become_classic(host);
  if (group.subscriber_count(member.pattern) == 0) group.erase_pattern(member.pattern);
  refresh_topics(host);
  group.set_epoch(next_epoch(group.epoch()));
}

// Looks the topics of regular expressions up: of new ones at once, of all of them when topics have come or gone. Whether any has others now.
// Without somebody who asks for one, those are forgotten that nobody uses.
bool ConsumerGroups::refresh_patterns(Host& host, const MayDescribeTopic* may_describe) {
  ConsumerGroup& group = host.group;
  std::set<std::string> subscribed;
  for (const auto& [id, member] : group.members()) {
    if (!member.pattern.empty()) subscribed.insert(member.pattern);
  }
  std::vector<std::string> unused;
  for (const auto& [text, resolved] : group.patterns()) {
    if (!subscribed.contains(text)) unused.push_back(text);
  }
  for (const auto& text : unused) group.erase_pattern(text);
  if (may_describe == nullptr) return false;
  const bool is_due =
      host.patterns_version != directory_.version() &&
      (host.patterns_version == -1 || time_.now >= host.patterns_resolved_at + pattern_refresh_interval);
  bool is_changed = false;
  for (const auto& text : subscribed) {
    const auto known = group.patterns().find(text);
    if (known != group.patterns().end() && !is_due) continue;
    auto topics = matching_topics(directory_, text, *may_describe);
    if (known != group.patterns().end() && known->second.topics == topics) continue;
    group.set_pattern(text, {std::move(topics), directory_.version(), time_.wall});
    is_changed = true;
  }
  if (is_due) {
    host.patterns_version = directory_.version();
    host.patterns_resolved_at = time_.now;
  }
  return is_changed;
}

// Whether the subscribed topics are others than before, or have more partitions.
bool ConsumerGroups::refresh_topics(Host& host) {
  host.topics_version = directory_.version();
  SubscribedTopics topics;
  for (const auto& name : host.group.subscribed_names()) {
    if (const auto facts = directory_.find(name)) topics.emplace(name, *facts);
  }
  if (topics == host.group.topics()) return false;
  host.group.set_topics(std::move(topics));
  return true;
}

void ConsumerGroups::assign(ConsumerGroup& group) const {
  AssignmentInput input;
  for (const auto& [name, facts] : group.topics()) input.topic_partitions.emplace(facts.id, facts.partition_count);
  input.members.reserve(group.members().size());
  for (const auto& [id, member] : group.members()) {
    auto& each = input.members.emplace_back();
    each.id = id;
    if (member.instance_id) each.instance_id = *member.instance_id;
    each.assigned = &group.target(id);
    for (const auto& name : group.subscribed_names(member)) {
      if (const auto topic = group.topics().find(name); topic != group.topics().end())
        each.topics.push_back(topic->second.id);
    }
    std::ranges::sort(each.topics);
  }
  const auto* assignor = find_partition_assignor(group.preferred_assignor().value_or(""));
  if (assignor == nullptr) assignor = find_partition_assignor(config_.group_consumer_assignors.front());
  if (assignor == nullptr) assignor = partition_assignors().data();
  auto shares = assignor->assign(input);
  for (std::size_t index = 0; index < shares.size(); ++index) {
    const std::string_view id = input.members[index].id;
    if (!group.has_target(id) || group.target(id) != shares[index]) group.set_target(id, std::move(shares[index]));
  }
  group.set_target_epoch(group.epoch());
}

ConsumerGroupMember ConsumerGroups::reconcile_member(const std::shared_ptr<Host>& host,
                                                     const ConsumerGroupMember& member,
                                                     const std::optional<AssignedPartitions>& owned) {
  ConsumerGroup& group = host->group;
  const ReconciliationTarget target{.epoch = group.target_epoch(),
                                    .assignment = group.target(member.id),
                                    .is_taken = [&](const TopicId& topic, PartitionIndex partition) {
                                      return group.is_taken(member.id, topic, partition);
                                    }};
  ConsumerGroupMember after = reconcile(member, target, owned);
  if (same_assignment(after, member)) return after;
  group.put_assignment(after);
  watch_rebalance(host, after);
  return after;
}

}  // namespace millrace::coordinator

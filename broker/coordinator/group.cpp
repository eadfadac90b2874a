#include "broker/coordinator/group.h"

#include <algorithm>
#include <utility>

#include "broker/base/check.h"
#include "broker/coordinator/consumer_protocol.h"
#include "broker/coordinator/group_subscription.h"
#include "broker/coordinator/next_epoch.h"

namespace millrace::coordinator {
namespace {

bool may_follow(GroupState from, GroupState to) {
  switch (to) {
    case GroupState::empty:
    case GroupState::completing_rebalance:
      return from == GroupState::preparing_rebalance;
    case GroupState::preparing_rebalance:
      return from == GroupState::empty || from == GroupState::completing_rebalance || from == GroupState::stable;
    case GroupState::stable:
      return from == GroupState::completing_rebalance;
    case GroupState::dead:
      return true;
  }
  return false;
}

}  // namespace

std::string_view to_string(GroupState state) {
  switch (state) {
    case GroupState::empty:
      return "Empty";
    case GroupState::preparing_rebalance:
      return "PreparingRebalance";
    case GroupState::completing_rebalance:
      return "CompletingRebalance";
    case GroupState::stable:
      return "Stable";
    case GroupState::dead:
      return "Dead";
  }
  return "";
}

Group::Group(std::string group_id, GroupTimers& timers, TimestampMs now)
    : join_timer(timers, GroupTimerKind::join, *this),
      sync_timer(timers, GroupTimerKind::sync, *this),
      id_(std::move(group_id)),
      timers_(timers),
      state_timestamp_(now) {}

void Group::transition_to(GroupState state, TimestampMs now) {
  MILLRACE_INVARIANT(may_follow(state_, state), "a group's states follow each other as Kafka's do");
  state_ = state;
  state_timestamp_ = now;
}

GroupMember* Group::find(std::string_view member_id) {
  const auto found = by_id_.find(member_id);
  return found == by_id_.end() ? nullptr : &*found->second;
}

GroupMember* Group::find_static(std::string_view instance_id) {
  const auto found = by_instance_id_.find(instance_id);
  return found == by_instance_id_.end() ? nullptr : found->second;
}

GroupMember& Group::add(std::string member_id, const protocol::JoinGroupRequest& request, std::string_view client_id,
                        std::string_view client_host) {
  MILLRACE_INVARIANT(find(member_id) == nullptr, "a member is in its group once");
  remove_pending(member_id);
  if (members_.empty()) protocol_type_ = request.protocol_type;
  GroupMember& member = members_.emplace_back(timers_, *this, std::move(member_id));
  by_id_.emplace(member.id, std::prev(members_.end()));
  if (request.group_instance_id) {
    member.instance_id = *request.group_instance_id;
    const bool is_new = by_instance_id_.emplace(*member.instance_id, &member).second;
    MILLRACE_INVARIANT(is_new, "a static member is in its group once");
  }
  member.client_id = client_id;
  member.client_host = client_host;
  member.rebalance_timeout_ms = request.rebalance_timeout_ms;
  member.session_timeout_ms = request.session_timeout_ms;
  member.protocols = copy_protocols(request.protocols);
  count_protocols(member, 1);
  if (leader_ == nullptr) leader_ = &member;
  return member;
}

void Group::update(GroupMember& member, std::vector<GroupProtocol> protocols, std::int32_t rebalance_timeout_ms,
                   std::int32_t session_timeout_ms) {
  count_protocols(member, -1);
  member.protocols = std::move(protocols);
  count_protocols(member, 1);
  member.rebalance_timeout_ms = rebalance_timeout_ms;
  member.session_timeout_ms = session_timeout_ms;
}

void Group::rename(GroupMember& member, std::string new_member_id) {
  auto entry = by_id_.extract(member.id);
  member.id = std::move(new_member_id);
  entry.key() = member.id;
  by_id_.insert(std::move(entry));
}

void Group::remove(GroupMember& member) {
  // A request whose member is taken away by somebody else must not wait for ever.
  answer_join(member, {}, protocol::ErrorCode::unknown_member_id);
  answer_sync(member, protocol::ErrorCode::unknown_member_id);
  set_owes_sync(member, false);
  count_protocols(member, -1);
  if (member.instance_id) by_instance_id_.erase(*member.instance_id);
  const auto entry = by_id_.find(member.id);
  const auto place = entry->second;
  by_id_.erase(entry);
  const bool led = is_leader(member);
  members_.erase(place);
  if (led) leader_ = members_.empty() ? nullptr : &members_.front();
}

void Group::add_pending(std::string member_id, MonotonicTime deadline) {
  auto pending = std::make_unique<PendingMember>(timers_, *this, member_id);
  pending->expiry.arm(deadline);
  pending_.emplace(std::move(member_id), std::move(pending));
}

void Group::remove_pending(std::string_view member_id) {
  if (const auto found = pending_.find(member_id); found != pending_.end()) pending_.erase(found);
}

void Group::await_join(GroupMember& member, WaitingJoin join) {
  answer_join(member, member.id, protocol::ErrorCode::rebalance_in_progress);
  member.join = std::move(join);
  ++awaiting_join_count_;
}

void Group::await_sync(GroupMember& member, SyncAnswer answer) {
  answer_sync(member, protocol::ErrorCode::rebalance_in_progress);
  member.sync = std::move(answer);
}

bool Group::answer_join(GroupMember& member, const protocol::JoinGroupResponse& response) {
  if (!member.join) return false;
  WaitingJoin join = std::exchange(member.join, {});
  --awaiting_join_count_;
  join.answer(response);
  return true;
}

bool Group::answer_join(GroupMember& member, std::string_view member_id, protocol::ErrorCode error) {
  if (!member.join) return false;
  protocol::JoinGroupResponse response;
  response.error_code = error;
  response.member_id = member_id;
  if (member.join.version >= 7) response.protocol_name.reset();
  return answer_join(member, response);
}

bool Group::answer_sync(GroupMember& member, const protocol::SyncGroupResponse& response) {
  if (!member.sync) return false;
  SyncAnswer answer = std::exchange(member.sync, {});
  answer(response);
  return true;
}

bool Group::answer_sync(GroupMember& member, protocol::ErrorCode error) {
  protocol::SyncGroupResponse response;
  response.error_code = error;
  return answer_sync(member, response);
}

bool Group::elect_joined_leader() {
  if (leader_ == nullptr) return false;
  if (leader_->join) return true;
  const auto joined = std::ranges::find_if(members_, [](const GroupMember& each) { return bool(each.join); });
  if (joined == members_.end()) return false;
  leader_ = &*joined;
  return true;
}

void Group::set_owes_sync(GroupMember& member, bool owes) {
  if (member.owes_sync == owes) return;
  member.owes_sync = owes;
  if (owes) {
    ++owed_sync_count_;
  } else {
    --owed_sync_count_;
  }
}

void Group::clear_owed_syncs() {
  if (owed_sync_count_ == 0) return;
  for (auto& member : members_) set_owes_sync(member, false);
}

bool Group::supports(std::string_view protocol_type,
                     const std::vector<protocol::JoinGroupRequest::Protocol>& protocols) const {
  if (is(GroupState::empty)) return !protocol_type.empty() && !protocols.empty();
  if (protocol_type_ != protocol_type) return false;
  return std::ranges::any_of(protocols, [&](const auto& offered) {
    const auto count = protocol_counts_.find(offered.name);
    return (count == protocol_counts_.end() ? 0 : count->second) == members_.size();
  });
}

const std::string& Group::select_protocol() const {
  TextMap<std::size_t> votes;
  const std::string* winner = nullptr;
  std::size_t most = 0;
  for (const auto& member : members_) {
    const auto preferred = std::ranges::find_if(member.protocols, [&](const GroupProtocol& each) {
      return protocol_counts_.find(each.name)->second == members_.size();
    });
    MILLRACE_INVARIANT(preferred != member.protocols.end(), "the members of a group share a protocol");
    const std::size_t count = ++votes[preferred->name];
    if (count <= most) continue;
    most = count;
    winner = &preferred->name;
  }
  MILLRACE_INVARIANT(winner != nullptr, "only a group with members has a protocol");
  return *winner;
}

void Group::start_generation(TimestampMs now) {
  generation_ = next_epoch(generation_);
  if (members_.empty()) {
    protocol_name_.reset();
  } else {
    protocol_name_ = select_protocol();
  }
  compute_subscribed_topics();
  transition_to(members_.empty() ? GroupState::empty : GroupState::completing_rebalance, now);
  clear_owed_syncs();
  is_storing_assignment = false;
}

std::int32_t Group::longest_rebalance_timeout_ms() const {
  std::int32_t longest_ms = 0;
  for (const auto& member : members_) longest_ms = std::max(longest_ms, member.rebalance_timeout_ms);
  return longest_ms;
}

Result<GroupRecord> Group::record(const TextMap<std::vector<std::uint8_t>>& assignments) const {
  GroupMetadataValue value;
  value.protocol_type = protocol_type_ ? std::string_view(*protocol_type_) : std::string_view{};
  value.generation = generation_;
  if (protocol_name_) value.protocol_name = *protocol_name_;
  if (leader_ != nullptr) value.leader = leader_->id;
  value.current_state_timestamp = state_timestamp_.value_or(TimestampMs::none());
  value.members.reserve(members_.size());
  for (const auto& member : members_) {
    auto& stored = value.members.emplace_back();
    stored.member_id = member.id;
    if (member.instance_id) stored.group_instance_id = *member.instance_id;
    stored.client_id = member.client_id;
    stored.client_host = member.client_host;
    stored.rebalance_timeout_ms = member.rebalance_timeout_ms;
    stored.session_timeout_ms = member.session_timeout_ms;
    stored.subscription = member.metadata_for(protocol_name_.value_or(std::string()));
    if (const auto found = assignments.find(member.id); found != assignments.end()) stored.assignment = found->second;
  }
  auto key = encode_key(GroupMetadataKey{id_});
  if (!key) return tl::unexpected(key.error());
  auto encoded = encode_value(value);
  if (!encoded) return tl::unexpected(encoded.error());
  return GroupRecord{std::move(*key), std::move(*encoded)};
}

void Group::restore(const GroupMetadataValue& value) {
  for (const auto& stored : value.members) {
    if (find(stored.member_id) != nullptr) continue;
    protocol::JoinGroupRequest request;
    request.protocol_type = value.protocol_type;
    request.protocols.push_back({value.protocol_name.value_or(""), stored.subscription});
    if (stored.group_instance_id && find_static(*stored.group_instance_id) == nullptr)
      request.group_instance_id = stored.group_instance_id;
    request.rebalance_timeout_ms = stored.rebalance_timeout_ms;
    request.session_timeout_ms = stored.session_timeout_ms;
    GroupMember& member = add(std::string(stored.member_id), request, stored.client_id, stored.client_host);
    member.assignment.assign(stored.assignment.begin(), stored.assignment.end());
  }
  if (value.leader) {
    if (GroupMember* const leader = find(*value.leader); leader != nullptr) leader_ = leader;
  }
  protocol_type_.reset();
  if (!value.protocol_type.empty()) protocol_type_ = value.protocol_type;
  protocol_name_.reset();
  if (value.protocol_name) protocol_name_ = *value.protocol_name;
  if (!protocol_name_ && !members_.empty()) protocol_name_.emplace();
  generation_ = value.generation;
  state_ = members_.empty() ? GroupState::empty : GroupState::stable;
  state_timestamp_.reset();
  if (value.current_state_timestamp != TimestampMs::none()) state_timestamp_ = value.current_state_timestamp;
  compute_subscribed_topics();
}

void Group::forget_protocol() {
  MILLRACE_INVARIANT(members_.empty(), "members keep their group's protocol");
  pending_.clear();
  generation_ = 0;
  protocol_type_.reset();
  protocol_name_.reset();
  subscribed_topics_.reset();
}

void Group::disband(TimestampMs now) {
  join_timer.cancel();
  sync_timer.cancel();
  initial_delay.reset();
  new_member_added = false;
  is_storing_assignment = false;
  for (auto member = members_.begin(); member != members_.end();) {
    GroupMember& each = *member++;
    answer_join(each, each.id, protocol::ErrorCode::rebalance_in_progress);
    answer_sync(each, protocol::ErrorCode::rebalance_in_progress);
    remove(each);
  }
  state_ = GroupState::empty;
  state_timestamp_ = now;
  forget_protocol();
}

void Group::take_over(std::int32_t generation, TimestampMs now) {
  MILLRACE_INVARIANT(is(GroupState::empty) && !members_.empty(), "only members make a group stable");
  protocol_type_ = consumer_protocol_type;
  protocol_name_ = select_protocol();
  generation_ = generation;
  state_ = GroupState::stable;
  state_timestamp_ = now;
  compute_subscribed_topics();
}

void Group::count_protocols(const GroupMember& member, int by) {
  std::set<std::string_view> seen;  // a name that is repeated counts once
  for (const auto& protocol : member.protocols) {
    if (!seen.insert(protocol.name).second) continue;
    const auto count = protocol_counts_.try_emplace(protocol.name, 0).first;
    count->second += static_cast<std::size_t>(by);
    if (count->second == 0) protocol_counts_.erase(count);
  }
}

void Group::compute_subscribed_topics() {
  subscribed_topics_.reset();
  if (protocol_type_ != consumer_protocol_type) return;
  if (!members_.empty() && !protocol_name_) return;
  std::set<std::string, std::less<>> topics;
  for (const auto& member : members_) {
    auto subscribed = coordinator::subscribed_topics(member.metadata_for(*protocol_name_));
    if (!subscribed) return;
    for (const auto topic : *subscribed) {
      if (!topics.contains(topic)) topics.emplace(topic);
    }
  }
  subscribed_topics_ = std::move(topics);
}

}  // namespace millrace::coordinator

// One classic group: members, static members, the protocols they share, generation, state (kafka.coordinator.group.GroupMetadata).
//
//   empty ── first member ──▶ preparing_rebalance ── all joined, or the time is up ──▶ completing_rebalance
//     ▲                          ▲        │ nobody is left                                │ the leader's assignment is in the log
//     └──────────────────────────┼────────┘                                               ▼
//                                └── a member comes, goes, changes or is silent ─────── stable        any ── deleted, unloaded ──▶ dead
//
// Invariants: every member counts once for each protocol name it brought; a group that is not empty has a leader, who is a member; a
// request that waits is answered before its member is gone. What moves the group from state to state is GroupCoordinator's.
// No I/O and no clock. Owned by its coordinator.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "broker/coordinator/consumer_offsets_records.h"
#include "broker/coordinator/group_member.h"
#include "broker/coordinator/offset_table.h"
#include "broker/coordinator/text_map.h"
#include "broker/protocol/error_code.h"

namespace millrace::coordinator {

enum class GroupState : std::uint8_t { empty, preparing_rebalance, completing_rebalance, stable, dead };

// Kafka's own name: "Empty", "PreparingRebalance", "CompletingRebalance", "Stable", "Dead".
std::string_view to_string(GroupState state);

class Group {
 public:
  // The wait before a group's first generation, which more members prolong (group.initial.rebalance.delay.ms).
  struct InitialDelay {
    std::int32_t delay_ms = 0;
    std::int32_t remaining_ms = 0;
  };

  Group(std::string group_id, GroupTimers& timers, TimestampMs now);

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] GroupState state() const { return state_; }
  [[nodiscard]] bool is(GroupState state) const { return state_ == state; }
  // Aborts on an arrow that is not in the picture.
  void transition_to(GroupState state, TimestampMs now);
  [[nodiscard]] std::int32_t generation() const { return generation_; }
  [[nodiscard]] const std::optional<std::string>& protocol_type() const { return protocol_type_; }
  [[nodiscard]] const std::optional<std::string>& protocol_name() const { return protocol_name_; }
  [[nodiscard]] std::optional<TimestampMs> state_timestamp() const { return state_timestamp_; }

  // In the order in which they came.
  [[nodiscard]] std::list<GroupMember>& members() { return members_; }
  [[nodiscard]] const std::list<GroupMember>& members() const { return members_; }
  [[nodiscard]] std::size_t size() const { return members_.size(); }
  [[nodiscard]] GroupMember* find(std::string_view member_id);
  [[nodiscard]] GroupMember* find_static(std::string_view instance_id);
  [[nodiscard]] GroupMember* leader() { return leader_; }
  [[nodiscard]] bool is_leader(const GroupMember& member) const { return leader_ == &member; }
  [[nodiscard]] std::string_view leader_id() const { return leader_ == nullptr ? std::string_view{} : leader_->id; }

  // A new member, whose protocols must fit (supports). The first one leads and says the protocol type.
  GroupMember& add(std::string member_id, const protocol::JoinGroupRequest& request, std::string_view client_id,
                   std::string_view client_host);
  // What a rejoining member brings in place of what it brought before.
  void update(GroupMember& member, std::vector<GroupProtocol> protocols, std::int32_t rebalance_timeout_ms,
              std::int32_t session_timeout_ms);
  // A static member is there again under a new id (KIP-345), with its place, its assignment and, perhaps, the lead.
  void rename(GroupMember& member, std::string new_member_id);
  // Whoever waited has been answered. Another member leads when it was the leader.
  void remove(GroupMember& member);

  void add_pending(std::string member_id, MonotonicTime deadline);
  [[nodiscard]] bool is_pending(std::string_view member_id) const { return pending_.contains(member_id); }
  void remove_pending(std::string_view member_id);

  // A JoinGroup or SyncGroup that waits; one that waited for the same member before is answered with REBALANCE_IN_PROGRESS.
  void await_join(GroupMember& member, WaitingJoin join);
  void await_sync(GroupMember& member, SyncAnswer answer);
  // Answers what waits; false when nothing did.
  bool answer_join(GroupMember& member, const protocol::JoinGroupResponse& response);
  bool answer_join(GroupMember& member, std::string_view member_id, protocol::ErrorCode error);
  bool answer_sync(GroupMember& member, const protocol::SyncGroupResponse& response);
  bool answer_sync(GroupMember& member, protocol::ErrorCode error);
  [[nodiscard]] std::size_t awaiting_join_count() const { return awaiting_join_count_; }
  [[nodiscard]] bool has_all_members_joined() const {
    return members_.size() == awaiting_join_count_ && pending_.empty();
  }
  // Puts a member that has joined into the lead when the leader has not; false when nobody has, or there is nobody.
  bool elect_joined_leader();

  void set_owes_sync(GroupMember& member, bool owes);
  void clear_owed_syncs();
  [[nodiscard]] std::size_t owed_sync_count() const { return owed_sync_count_; }

  // Whether a member with these protocols can come in: one of them is known to all others.
  [[nodiscard]] bool supports(std::string_view protocol_type,
                              const std::vector<protocol::JoinGroupRequest::Protocol>& protocols) const;
  // The protocol that the most members prefer among those that all know. There is one.
  [[nodiscard]] const std::string& select_protocol() const;
  // The next generation: completing_rebalance, or empty without members.
  void start_generation(TimestampMs now);
  [[nodiscard]] std::int32_t longest_rebalance_timeout_ms() const;

  // Whether the members are known not to read a topic: consumers all, whose subscriptions could be read.
  [[nodiscard]] const std::optional<std::set<std::string, std::less<>>>& subscribed_topics() const {
    return subscribed_topics_;
  }

  // The group as a record, with an assignment for each member. Errors: a string that is too long for one.
  [[nodiscard]] Result<GroupRecord> record(const TextMap<std::vector<std::uint8_t>>& assignments) const;
  // A group as a record has it: stable, or empty without members.
  void restore(const GroupMetadataValue& value);

  // An empty group is left with nothing but its offsets: as another protocol's.
  void forget_protocol();
  // The same of one with members, who are told to join again where they wait.
  void disband(TimestampMs now);
  // Members of protocol type "consumer" who have been led by another protocol's coordinator, up to this generation: a stable group.
  void take_over(std::int32_t generation, TimestampMs now);

  [[nodiscard]] OffsetTable& offsets() { return offsets_; }
  [[nodiscard]] const OffsetTable& offsets() const { return offsets_; }

  GroupTimer join_timer;
  GroupTimer sync_timer;
  std::optional<InitialDelay> initial_delay;  // what join_timer waits for, when it is that
  bool new_member_added = false;              // since the initial delay was last prolonged
  bool is_storing_assignment = false;         // the leader's answer of this generation is on its way into the log

 private:
  void count_protocols(const GroupMember& member, int by);
  void compute_subscribed_topics();

  std::string id_;
  GroupTimers& timers_;
  GroupState state_ = GroupState::empty;
  std::optional<TimestampMs> state_timestamp_;
  std::int32_t generation_ = 0;
  std::optional<std::string> protocol_type_;
  std::optional<std::string> protocol_name_;
  std::list<GroupMember> members_;
  TextMap<std::list<GroupMember>::iterator> by_id_;
  TextMap<GroupMember*> by_instance_id_;
  TextMap<std::unique_ptr<PendingMember>> pending_;
  GroupMember* leader_ = nullptr;
  TextMap<std::size_t> protocol_counts_;  // by name, the members that know it
  std::size_t awaiting_join_count_ = 0;
  std::size_t owed_sync_count_ = 0;
  std::optional<std::set<std::string, std::less<>>> subscribed_topics_;
  OffsetTable offsets_;
};

}  // namespace millrace::coordinator

// One group of the new protocol (KIP-848; org.apache.kafka.coordinator.group.modern.consumer.ConsumerGroup): its members, the topics and
// regular expressions that they subscribe to, the target assignment, and who has which partition now.
//
//   empty ── a member ──▶ assigning ── a target for the group's epoch ──▶ reconciling ── everybody has what the target gives it ──▶ stable
//     ▲                       ▲                                                │ a member comes, goes, subscribes to something else,
//     └── nobody is left ─────┴──────── a topic grows, comes or goes ──────────┴── a regular expression finds other topics ── stable
//
// Each change takes place here and leaves the record that says so, so that the records, read in their order, give the same group.
// Invariants: a partition has one owner, who has it assigned or has to give it up; a member of an instance id is that id's only one.
// No I/O and no clock. Owned by its coordinator.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/coordinator/consumer_group_encoding.h"
#include "broker/coordinator/consumer_group_member.h"
#include "broker/coordinator/text_map.h"
#include "broker/protocol/messages/join_group.h"

namespace millrace::coordinator {

enum class ConsumerGroupState : std::uint8_t { empty, assigning, reconciling, stable };

// Kafka's own name: "Empty", "Assigning", "Reconciling", "Stable".
std::string_view to_string(ConsumerGroupState state);

class ConsumerGroup {
 public:
  using Members = std::map<std::string, ConsumerGroupMember, std::less<>>;
  using Patterns = std::map<std::string, ResolvedPattern, std::less<>>;

  explicit ConsumerGroup(std::string group_id) : id_(std::move(group_id)) {}

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] std::int32_t epoch() const { return epoch_; }  // 0: no member has come yet
  [[nodiscard]] bool exists() const { return epoch_ != 0 || !members_.empty(); }
  [[nodiscard]] std::int32_t target_epoch() const { return target_epoch_; }
  [[nodiscard]] ConsumerGroupState state() const;
  [[nodiscard]] const Members& members() const { return members_; }
  // Null when there is none.
  [[nodiscard]] const ConsumerGroupMember* find(std::string_view member_id) const;
  [[nodiscard]] const ConsumerGroupMember* find_static(std::string_view instance_id) const;
  [[nodiscard]] bool has_target(std::string_view member_id) const { return targets_.contains(member_id); }
  [[nodiscard]] const AssignedPartitions& target(std::string_view member_id) const;
  [[nodiscard]] const SubscribedTopics& topics() const { return topics_; }
  [[nodiscard]] const Patterns& patterns() const { return patterns_; }
  [[nodiscard]] bool is_subscribed_to(std::string_view topic) const;
  // The names that the member subscribes to, by name or pattern: ascending, none twice.
  [[nodiscard]] std::vector<std::string> subscribed_names(const ConsumerGroupMember& member) const;
  // Those of all members.
  [[nodiscard]] std::set<std::string> subscribed_names() const;
  [[nodiscard]] std::size_t subscriber_count(std::string_view pattern) const;
  // Whether somebody else than the member has the partition.
  [[nodiscard]] bool is_taken(std::string_view member_id, const TopicId& topic, PartitionIndex partition) const;
  // Members that speak the classic protocol.
  [[nodiscard]] std::size_t classic_count() const;
  // Whether one more of them can come in with these protocols: all others know one of them, too.
  [[nodiscard]] bool supports_classic(std::string_view protocol_type,
                                      const std::vector<protocol::JoinGroupRequest::Protocol>& protocols) const;
  // Whether all members are of that kind, of whom all know one protocol.
  [[nodiscard]] bool is_all_classic() const;
  // Whether something of the member's target is still another's.
  [[nodiscard]] bool is_awaiting_release(const ConsumerGroupMember& member) const;
  // What most members ask for, of those that ask; the first in the alphabet where that is undecided, none where nobody asks.
  [[nodiscard]] std::optional<std::string_view> preferred_assignor() const;

  void set_epoch(std::int32_t epoch);
  void set_topics(SubscribedTopics topics);
  void set_target_epoch(std::int32_t epoch);
  void set_target(std::string_view member_id, AssignedPartitions partitions);
  void set_pattern(std::string_view pattern, ResolvedPattern resolved);
  void erase_pattern(std::string_view pattern);
  // Who it is and what it subscribes to; a new member's assignment has no record of its own as long as it is empty.
  void put_metadata(const ConsumerGroupMember& member);
  // What it has, of a member that is there.
  void put_assignment(const ConsumerGroupMember& member);
  void remove(std::string_view member_id);
  // A static member is there again under a new id: with its subscription, its target and what it had (KIP-345), in epoch 0.
  const ConsumerGroupMember& replace(std::string_view member_id, std::string_view new_member_id);
  // Only tombstones are left of it.
  void erase_everything();
  // What is stored with its next change without being a part of it: of what it was, or is to be, under the same id.
  void add_record(GroupRecord record) { log(std::move(record)); }

  // The records of what has changed since the last call.
  [[nodiscard]] std::vector<GroupRecord> take_records() { return std::exchange(records_, {}); }
  [[nodiscard]] std::size_t record_bytes() const;
  // All that says what the group is.
  [[nodiscard]] std::vector<GroupRecord> snapshot() const;

  // What a load has read; members first. No records. A partition that two members are said to have stays with the first.
  void restore_member(const ConsumerGroupMember& member, std::optional<AssignedPartitions> target);
  void restore(std::int32_t epoch, std::int32_t target_epoch, SubscribedTopics topics, Patterns patterns);

 private:
  [[nodiscard]] std::size_t classic_count(std::string_view protocol) const;
  void keep(const ConsumerGroupMember& member);
  void own(const ConsumerGroupMember& member);
  void disown(const ConsumerGroupMember& member);
  void log(GroupRecord record) { records_.push_back(std::move(record)); }

  std::string id_;
  std::int32_t epoch_ = 0;
  std::int32_t target_epoch_ = 0;
  Members members_;
  std::map<std::string, AssignedPartitions, std::less<>> targets_;  // by member
  TextMap<std::string> static_ids_;                                 // by instance id
  SubscribedTopics topics_;
  Patterns patterns_;
  std::map<TopicId, std::map<PartitionIndex, const std::string*>> owners_;  // the ids are the keys of members_
  std::vector<GroupRecord> records_;
};

}  // namespace millrace::coordinator

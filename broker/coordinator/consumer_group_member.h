// A member of a group of the new protocol: who it is, what it subscribes to, and what it has (KIP-848;
// org.apache.kafka.coordinator.group.modern.consumer.ConsumerGroupMember). Owned by its group.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/coordinator/consumer_group_records.h"
#include "broker/coordinator/group_protocol.h"
#include "broker/coordinator/partition_assignor.h"

namespace millrace::coordinator {

// How far a member is on its way to the target assignment, with the numbers that the records have.
enum class MemberState : std::int8_t {
  stable = 0,                 // it has what the target of its epoch gives it
  unrevoked_partitions = 1,   // it has to give partitions up before it may get to the next epoch
  unreleased_partitions = 2,  // it is in the newest epoch and waits for partitions that others have not given up yet
  unknown = 127,              // of a newer broker
};

constexpr std::int32_t joining_member_epoch = 0;
constexpr std::int32_t leaving_member_epoch = -1;
constexpr std::int32_t leaving_static_member_epoch = -2;  // for a while: its place is kept

// What a member that speaks the classic protocol said in its JoinGroup.
struct ClassicMembership {
  std::int32_t session_timeout_ms = 0;
  std::vector<GroupProtocol> protocols;  // as the member prefers them

  friend bool operator==(const ClassicMembership&, const ClassicMembership&) = default;
};

struct ConsumerGroupMember {
  std::string id;
  std::optional<std::string> instance_id;
  std::optional<std::string> rack_id;
  std::string client_id;
  std::string client_host;
  std::vector<std::string> topics;  // ascending, none twice
  std::string pattern;              // empty: none
  std::int32_t rebalance_timeout_ms = -1;
  std::optional<std::string> assignor;
  std::optional<ClassicMembership> classic;  // of a member that speaks the classic protocol

  std::int32_t epoch = joining_member_epoch;
  std::int32_t previous_epoch = joining_member_epoch;
  MemberState state = MemberState::stable;
  AssignedPartitions assigned;
  AssignedPartitions pending_revocation;

  [[nodiscard]] bool is_reconciled_to(std::int32_t target_epoch) const {
    return state == MemberState::stable && epoch == target_epoch;
  }
  void advance_to(std::int32_t next_epoch) {
    previous_epoch = epoch;
    epoch = next_epoch;
  }

  friend bool operator==(const ConsumerGroupMember&, const ConsumerGroupMember&) = default;
};

// Whether the part that ConsumerGroupMemberMetadata records is the same, or the part of ConsumerGroupCurrentMemberAssignment.
bool same_metadata(const ConsumerGroupMember& left, const ConsumerGroupMember& right);
bool same_assignment(const ConsumerGroupMember& left, const ConsumerGroupMember& right);
// Whether all of `partitions` are among `others`.
bool is_subset(const AssignedPartitions& partitions, const AssignedPartitions& others);
// Sorted and none twice, whatever a request or record says; negative indexes are left out.
void add_partitions(AssignedPartitions& into, const TopicId& topic, const std::vector<PartitionIndex>& partitions);

// What records say of a member, into it.
void restore_metadata(ConsumerGroupMember& member, const ConsumerGroupMemberMetadataValue& value);
void restore_assignment(ConsumerGroupMember& member, const ConsumerGroupCurrentMemberAssignmentValue& value);

}  // namespace millrace::coordinator

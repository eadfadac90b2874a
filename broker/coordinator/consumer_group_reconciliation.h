// One member's step towards the target assignment (org.apache.kafka.coordinator.group.modern.consumer.CurrentAssignmentBuilder):
//
//   stable ── a newer target ──▶ has to give something up? ── yes ──▶ unrevoked_partitions, in its old epoch, until it says that it has not
//                                        │ no                            │ those any more
//                                        ◀────────────────────────────────┘
//                                        ▼
//            the newest epoch with what is free of its target: unreleased_partitions while others still have some of it, else stable
//
// A partition is free when nobody has it or has to give it up: so it never has two owners. Pure function; any thread.
#pragma once

#include <functional>
#include <optional>

#include "broker/coordinator/consumer_group_member.h"

namespace millrace::coordinator {

struct ReconciliationTarget {
  std::int32_t epoch = 0;
  const AssignedPartitions& assignment;
  // Whether somebody else has the partition.
  std::function<bool(const TopicId& topic, PartitionIndex partition)> is_taken;
};

// The member after the step. `owned` is what it says that it has; none when it did not say.
ConsumerGroupMember reconcile(const ConsumerGroupMember& member, const ReconciliationTarget& target,
                              const std::optional<AssignedPartitions>& owned);

}  // namespace millrace::coordinator

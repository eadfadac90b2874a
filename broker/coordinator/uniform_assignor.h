// The two halves of the uniform assignor (partition_assignor.h), and what they have in common.
#pragma once

#include <cstddef>
#include <vector>

#include "broker/coordinator/partition_assignor.h"

namespace millrace::coordinator {

// All members subscribe to the same topics; there is one member at least.
AssignmentOutput assign_uniform_homogeneous(const AssignmentInput& input);
// They do not.
AssignmentOutput assign_uniform_heterogeneous(const AssignmentInput& input);

// The members by id, so that their order in the input does not matter.
std::vector<std::size_t> members_by_id(const AssignmentInput& input);
std::int32_t partition_count(const AssignmentInput& input, const TopicId& topic);
// Into a share, where it belongs.
void insert_partition(AssignedPartitions& share, const TopicId& topic, PartitionIndex partition);

}  // namespace millrace::coordinator

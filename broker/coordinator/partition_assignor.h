// How the partitions of the topics that a group subscribes to are shared out among its members, by the coordinator itself (KIP-848;
// org.apache.kafka.coordinator.group.assignor of Kafka 4):
//
//   uniform  everybody has as many partitions as the others, give or take one, and keeps what it has where that allows it. Where members
//            subscribe to different topics, that holds for the subscribers of each topic as far as moving its partitions can bring it about.
//   range    each topic's partitions in runs, in the order of the members: static ones first by their instance ids, then the others by
//            their member ids. Topics with as many partitions and the same subscribers are shared out alike, so that partitions of the same
//            number meet in one member.
//
// Every partition of a topic with subscribers belongs to exactly one of them. The same input gives the same output. Uniform differs from
// Kafka's, whose order of members is that of a hash, in that the partitions which are left over when everybody has its share stay
// first of all with those who have one.
//
// Pure functions; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "broker/base/types.h"
#include "broker/base/uuid.h"

namespace millrace::coordinator {

// Partitions by topic: ascending, none twice, no topic without any.
using AssignedPartitions = std::map<TopicId, std::vector<PartitionIndex>>;

std::size_t partition_count(const AssignedPartitions& partitions);

struct AssignmentMember {
  std::string_view id;
  std::optional<std::string_view> instance_id;
  std::vector<TopicId> topics;  // that it subscribes to: ascending, none twice
  const AssignedPartitions* assigned =
      nullptr;  // its share of the assignment before this one; nobody else has any of it
};

struct AssignmentInput {
  std::vector<AssignmentMember> members;             // in any order
  std::map<TopicId, std::int32_t> topic_partitions;  // how many each topic has; one that is missing has none
};

// A share for each member, in the order of the input.
using AssignmentOutput = std::vector<AssignedPartitions>;

struct PartitionAssignor {
  std::string_view name;
  AssignmentOutput (*assign)(const AssignmentInput& input);
};

// "uniform", which counts where no member asks for another, and "range" (group.consumer.assignors' default).
std::span<const PartitionAssignor> partition_assignors();
// Null when there is none of that name.
const PartitionAssignor* find_partition_assignor(std::string_view name);

AssignmentOutput assign_range(const AssignmentInput& input);
AssignmentOutput assign_uniform(const AssignmentInput& input);

}  // namespace millrace::coordinator

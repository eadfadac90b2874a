#include "broker/server/partition_growth.h"

#include <algorithm>
#include <set>
#include <utility>

#include "broker/controller/replica_assignment.h"

namespace millrace::server {
namespace {

using Assignment = PartitionGrowth::Assignment;
using metadata::znodes::TopicAssignment;
using protocol::ErrorCode;

tl::unexpected<TopicRefusal> refuse(ErrorCode code, std::string message) {
  return tl::unexpected<TopicRefusal>(TopicRefusal{code, std::move(message)});
}

template <class Items, class Name>
std::string joined(const Items& items, Name name) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + std::to_string(name(item));
  return text;
}

std::optional<TopicRefusal> check_replicas(std::size_t partition, const std::vector<BrokerId>& replicas) {
  if (replicas.empty()) {
    return TopicRefusal{ErrorCode::invalid_replica_assignment,
                        "Cannot have replication factor of 0 for partition id " + std::to_string(partition) + "."};
  }
  if (std::set<BrokerId>(replicas.begin(), replicas.end()).size() != replicas.size()) {
    return TopicRefusal{ErrorCode::invalid_replica_assignment,
                        "Duplicate brokers not allowed in replica assignment: " +
                            joined(replicas, [](BrokerId broker) { return broker.value(); }) + " for partition id " +
                            std::to_string(partition) + "."};
  }
  return std::nullopt;
}

}  // namespace

tl::expected<Assignment, TopicRefusal> PartitionGrowth::decide(const TopicAssignment& standing) const {
  const auto& partitions = standing.partitions;
  const bool is_moving = std::ranges::any_of(
      partitions, [](const auto& partition) { return !partition.adding.empty() || !partition.removing.empty(); });
  if (is_moving) {
    return refuse(ErrorCode::reassignment_in_progress,
                  "A partition reassignment is in progress for the topic '" + topic + "'.");
  }
  if (partitions.empty()) {
    return refuse(ErrorCode::unknown_topic_or_partition, "The topic '" + topic + "' does not exist.");
  }
  const auto old_count = static_cast<std::int32_t>(partitions.size());
  if (count < old_count) {
    return refuse(ErrorCode::invalid_partitions, "Topic currently has " + std::to_string(old_count) +
                                                     " partitions, which is higher than the requested " +
                                                     std::to_string(count) + ".");
  }
  if (count == old_count) {
    return refuse(ErrorCode::invalid_partitions, "Topic already has " + std::to_string(old_count) + " partitions.");
  }
  if (count > max_partitions_of_topic) {
    return refuse(ErrorCode::invalid_partitions,
                  "Number of partitions must be at most " + std::to_string(max_partitions_of_topic) + ".");
  }
  const auto& replicas = partitions.front().replicas;
  if (assignment) {
    return check_assignment(partitions.size(), static_cast<std::size_t>(count - old_count), replicas.size());
  }
  auto assigned = controller::assign_more_replicas(live_brokers, old_count, count - old_count,
                                                   static_cast<std::int32_t>(replicas.size()),
                                                   replicas.empty() ? BrokerId::none() : replicas.front());
  if (!assigned) return refuse(ErrorCode::invalid_replication_factor, assigned.error().message);
  return std::move(*assigned);
}

tl::expected<Assignment, TopicRefusal> PartitionGrowth::check_assignment(std::size_t first, std::size_t added,
                                                                         std::size_t replication_factor) const {
  auto invalid = [](const std::string& message) { return refuse(ErrorCode::invalid_replica_assignment, message); };
  std::vector<BrokerId> unknown;
  for (const auto& replicas : *assignment) {
    for (auto replica : replicas) {
      const bool is_live = std::ranges::find(live_brokers, replica) != live_brokers.end();
      if (!is_live && std::ranges::find(unknown, replica) == unknown.end()) unknown.push_back(replica);
    }
  }
  if (!unknown.empty()) {
    return invalid("Unknown broker(s) in replica assignment: " +
                   joined(unknown, [](BrokerId broker) { return broker.value(); }) + ".");
  }
  if (assignment->size() != added) {
    return invalid("Increasing the number of partitions by " + std::to_string(added) + " but " +
                   std::to_string(assignment->size()) + " assignments provided.");
  }
  std::vector<std::size_t> odd;  // positions of those with another number of replicas
  for (std::size_t i = 0; i < assignment->size(); ++i) {
    if (auto refusal = check_replicas(first + i, (*assignment)[i])) return tl::unexpected(std::move(*refusal));
    if ((*assignment)[i].size() != replication_factor) odd.push_back(i);
  }
  if (!odd.empty()) {
    return invalid("Inconsistent replication factor between partitions, partition 0 has " +
                   std::to_string(replication_factor) + " while partitions [" +
                   joined(odd, [&](std::size_t i) { return first + i; }) + "] have replication factors [" +
                   joined(odd, [&](std::size_t i) { return (*assignment)[i].size(); }) + "], respectively.");
  }
  return *assignment;
}

}  // namespace millrace::server

// From a topic's wish for more partitions to the replicas that the new ones get, or to the reason why not, in Kafka's
// words (Kafka: ZkAdminManager.createPartitions, AdminZkClient.createNewPartitionsAssignment,
// validateReplicaAssignment).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "broker/base/types.h"
#include "broker/metadata/znodes/topic_assignment.h"
#include "broker/server/new_topic.h"

namespace millrace::server {

// A value with everything that deciding takes: the decision is made on the controller's shard, from what the topic's
// znode says then.
struct PartitionGrowth {
  using Assignment = std::vector<std::vector<BrokerId>>;

  std::string topic;
  std::int32_t count = 0;                // of all partitions then
  std::optional<Assignment> assignment;  // of the new ones, in order; nothing: they are spread over the brokers
  std::vector<BrokerId> live_brokers;

  [[nodiscard]] tl::expected<Assignment, TopicRefusal> decide(const metadata::znodes::TopicAssignment& standing) const;

 private:
  [[nodiscard]] tl::expected<Assignment, TopicRefusal> check_assignment(std::size_t first, std::size_t added,
                                                                        std::size_t replication_factor) const;
};

}  // namespace millrace::server

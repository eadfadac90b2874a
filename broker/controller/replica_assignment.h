// Which brokers get the replicas of a new topic (Kafka: AdminUtils.assignReplicasToBrokers without racks).
#pragma once

#include <cstdint>
#include <vector>

#include "broker/base/random.h"
#include "broker/base/result.h"
#include "broker/base/types.h"

namespace millrace::controller {

// Of every partition its replicas, the preferred leader first. Leaders go round the brokers from a random start; the
// followers of neighbouring leaders are shifted against each other, so that the load of a lost broker spreads over
// all others. Errors: invalid_argument with Kafka's words for no partitions, no replicas, or more replicas than
// brokers.
Result<std::vector<std::vector<BrokerId>>> assign_replicas(const std::vector<BrokerId>& brokers,
                                                           std::int32_t partitions, std::int32_t replication_factor,
                                                           Random& random);

// The same for partitions that are added to a topic: of `first_partition` and those that follow. They go on where the
// topic's first partitions began, at the broker that leads partition 0 by preference, or the next one that is there.
Result<std::vector<std::vector<BrokerId>>> assign_more_replicas(const std::vector<BrokerId>& brokers,
                                                                std::int32_t first_partition, std::int32_t partitions,
                                                                std::int32_t replication_factor,
                                                                BrokerId leader_of_partition_0);

}  // namespace millrace::controller

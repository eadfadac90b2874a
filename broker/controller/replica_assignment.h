// Which brokers get the replicas of a new topic (Kafka: AdminUtils.assignReplicasToBrokers without racks).
#pragma once

#include <cstdint>
#include <vector>

#include "broker/base/random.h"
#include "broker/base/result.h"
#include "broker/base/types.h"

namespace millrace::controller {

// Of every partition its replicas, the preferred leader first. Leaders go round the brokers from a random start; the followers of
// neighbouring leaders are shifted against each other, so that the load of a lost broker spreads over all others.
// Errors: invalid_argument with Kafka's words for no partitions, no replicas, or more replicas than brokers.
Result<std::vector<std::vector<BrokerId>>> assign_replicas(const std::vector<BrokerId>& brokers,
                                                           std::int32_t partitions, std::int32_t replication_factor,
                                                           Random& random);

}  // namespace millrace::controller

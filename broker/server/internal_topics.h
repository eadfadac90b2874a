// The topics of the coordinators: their configuration when they are made, and which of their partitions an id belongs to. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "broker/base/types.h"
#include "broker/metadata/cluster_image.h"
#include "broker/server/configuration/broker_configuration.h"

namespace millrace::server {

inline constexpr std::string_view group_topic = "__consumer_offsets";
inline constexpr std::string_view transaction_topic = "__transaction_state";

struct InternalTopicSettings {
  std::int32_t partitions = 0;
  std::int32_t replication_factor = 0;
  metadata::ConfigMap configs;
};

// nullopt: it is no topic of a coordinator (kafka.coordinator.group.GroupCoordinator.offsetsTopicConfigs,
// TransactionStateManager.transactionTopicConfigs).
std::optional<InternalTopicSettings> internal_topic_settings(const BrokerConfiguration& configuration,
                                                             std::string_view topic);

// The partition of the coordinator of a group or a transactional id; nullopt while the topic does not exist.
std::optional<PartitionIndex> coordinator_partition(const metadata::ClusterImage& image, std::string_view topic,
                                                    std::string_view id);

}  // namespace millrace::server

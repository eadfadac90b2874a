#include "broker/server/internal_topics.h"

#include <string>

#include "broker/base/java_string.h"

namespace millrace::server {

std::optional<InternalTopicSettings> internal_topic_settings(const BrokerConfiguration& configuration,
                                                             std::string_view topic) {
  const auto& values = configuration.values;
  auto integer = [&](std::string_view key) { return static_cast<std::int32_t>(values.integer(key)); };
  auto text = [&](std::string_view key) { return std::to_string(values.integer(key)); };
  if (topic == group_topic) {
    return InternalTopicSettings{integer("offsets.topic.num.partitions"),
                                 integer("offsets.topic.replication.factor"),
                                 {{"cleanup.policy", "compact"},
                                  {"compression.type", "producer"},
                                  {"segment.bytes", text("offsets.topic.segment.bytes")}}};
  }
  if (topic == transaction_topic) {
    return InternalTopicSettings{integer("transaction.state.log.num.partitions"),
                                 integer("transaction.state.log.replication.factor"),
                                 {{"cleanup.policy", "compact"},
                                  {"compression.type", "uncompressed"},
                                  {"min.insync.replicas", text("transaction.state.log.min.isr")},
                                  {"segment.bytes", text("transaction.state.log.segment.bytes")},
                                  {"unclean.leader.election.enable", "false"}}};
  }
  return std::nullopt;
}

std::optional<PartitionIndex> coordinator_partition(const metadata::ClusterImage& image, std::string_view topic,
                                                    std::string_view id) {
  const auto known = image.topic(topic);
  if (known == nullptr || known->partitions.empty()) return std::nullopt;
  return PartitionIndex(java_partition(id, static_cast<std::int32_t>(known->partitions.size())));
}

}  // namespace millrace::server

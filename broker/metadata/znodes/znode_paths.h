// Where Kafka keeps what, and Millrace below /millrace what Kafka does not know. Source: kafka.zk.ZkData.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "broker/base/types.h"
#include "broker/metadata/cluster_image.h"

namespace millrace::metadata::znodes {

namespace paths {
inline constexpr std::string_view cluster_id = "/cluster/id";
inline constexpr std::string_view controller = "/controller";
inline constexpr std::string_view controller_epoch = "/controller_epoch";
inline constexpr std::string_view feature = "/feature";
inline constexpr std::string_view broker_ids = "/brokers/ids";
inline constexpr std::string_view broker_sequence = "/brokers/seqid";
inline constexpr std::string_view topics = "/brokers/topics";
inline constexpr std::string_view config = "/config";
inline constexpr std::string_view config_changes = "/config/changes";
inline constexpr std::string_view config_change_prefix = "/config/changes/config_change_";  // sequential
inline constexpr std::string_view delete_topics = "/admin/delete_topics";
inline constexpr std::string_view isr_changes = "/isr_change_notification";
inline constexpr std::string_view log_dir_events = "/log_dir_event_notification";
inline constexpr std::string_view consumers = "/consumers";
inline constexpr std::string_view producer_id_block = "/latest_producer_id_block";

inline constexpr std::string_view broker_marks = "/millrace/brokers";
inline constexpr std::string_view broker_mark = R"({"version":1})";

// What a broker makes at its start where it is missing, parents too (KafkaZkClient.createTopLevelPaths).
inline constexpr std::array persistent = std::to_array<std::string_view>(
    {consumers, broker_ids, topics, config_changes, delete_topics, broker_sequence, isr_changes, producer_id_block,
     log_dir_events, "/config/topics", "/config/clients", "/config/users", "/config/brokers", "/config/ips"});
}  // namespace paths

constexpr std::string_view folder_of(ConfigEntity entity) {
  switch (entity) {
    case ConfigEntity::topics:
      return "topics";
    case ConfigEntity::brokers:
      return "brokers";
    case ConfigEntity::clients:
      return "clients";
    case ConfigEntity::users:
      return "users";
    case ConfigEntity::ips:
      return "ips";
  }
  return "";
}

inline std::string broker_path(BrokerId id) {
  return std::string(paths::broker_ids) + "/" + std::to_string(id.value());
}
// `broker_mark` is its data. Its last write is that of the broker's registration where that is Millrace's; it stays when the broker goes.
inline std::string broker_mark_path(BrokerId id) {
  return std::string(paths::broker_marks) + "/" + std::to_string(id.value());
}
// Of consumers that keep their offsets here.
inline std::string consumer_offset_path(std::string_view group_id, const TopicPartition& partition) {
  return std::string(paths::consumers) + "/" + std::string(group_id) + "/offsets/" + partition.topic + "/" +
         std::to_string(partition.partition.value());
}
inline std::string topic_path(std::string_view topic) { return std::string(paths::topics) + "/" + std::string(topic); }
// The parents of the partitions' states, without data.
inline std::string partitions_path(std::string_view topic) { return topic_path(topic) + "/partitions"; }
inline std::string partition_path(std::string_view topic, PartitionIndex index) {
  return partitions_path(topic) + "/" + std::to_string(index.value());
}
inline std::string partition_state_path(std::string_view topic, PartitionIndex index) {
  return partition_path(topic, index) + "/state";
}
inline std::string config_folder_path(ConfigEntity entity) {
  return std::string(paths::config) + "/" + std::string(folder_of(entity));
}
inline std::string config_path(ConfigEntity entity, std::string_view name) {
  return config_folder_path(entity) + "/" + std::string(name);
}
// A change's entity path, "topics/t".
inline std::string entity_path(ConfigEntity entity, std::string_view name) {
  return std::string(folder_of(entity)) + "/" + std::string(name);
}
inline std::string delete_topic_path(std::string_view topic) {
  return std::string(paths::delete_topics) + "/" + std::string(topic);
}

}  // namespace millrace::metadata::znodes

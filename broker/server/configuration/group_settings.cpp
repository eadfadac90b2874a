#include "broker/server/configuration/group_settings.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace millrace::server {

using std::chrono::milliseconds;

namespace {

coordinator::ConsumerGroupMigrationPolicy migration_policy_of(std::string policy) {
  using Policy = coordinator::ConsumerGroupMigrationPolicy;
  std::ranges::transform(policy, policy.begin(),
                         [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  if (policy == "upgrade") return Policy::upgrade;
  if (policy == "downgrade") return Policy::downgrade;
  return policy == "disabled" ? Policy::disabled : Policy::bidirectional;
}

// None where the protocol is not offered.
std::optional<coordinator::ConsumerGroupConfig> consumer_group_config(const ConfigValues& values) {
  const auto offered = values.list("group.coordinator.rebalance.protocols");
  if (std::ranges::find(offered, "consumer") == offered.end()) return std::nullopt;
  auto integer = [&](std::string_view key) { return static_cast<std::int32_t>(values.integer(key)); };
  coordinator::ConsumerGroupConfig config;
  config.group_consumer_session_timeout_ms = integer("group.consumer.session.timeout.ms");
  config.group_consumer_heartbeat_interval_ms = integer("group.consumer.heartbeat.interval.ms");
  config.group_consumer_max_size = integer("group.consumer.max.size");
  config.group_consumer_migration_policy = migration_policy_of(values.string("group.consumer.migration.policy"));
  config.group_consumer_assignors.clear();
  for (const auto& name : values.list("group.consumer.assignors")) {
    auto assignor = std::string(consumer_group_assignor(name));
    auto& assignors = config.group_consumer_assignors;
    if (std::ranges::find(assignors, assignor) == assignors.end()) assignors.push_back(std::move(assignor));
  }
  return config;
}

}  // namespace

coordinator::GroupTableConfig group_table_config(const ConfigValues& values) {
  auto integer = [&](std::string_view key) { return static_cast<std::int32_t>(values.integer(key)); };
  coordinator::GroupTableConfig config;
  config.group.group_min_session_timeout_ms = integer("group.min.session.timeout.ms");
  config.group.group_max_session_timeout_ms = integer("group.max.session.timeout.ms");
  config.group.group_max_size = integer("group.max.size");
  config.group.group_initial_rebalance_delay_ms = integer("group.initial.rebalance.delay.ms");
  config.group.offset_metadata_max_bytes = integer("offset.metadata.max.bytes");
  config.group.offsets_retention_ms =
      milliseconds(std::chrono::minutes(values.integer("offsets.retention.minutes"))).count();
  config.group.batch_bytes_max = static_cast<std::size_t>(values.integer("message.max.bytes"));
  config.consumer_group = consumer_group_config(values);
  config.retention_check_interval = milliseconds(values.integer("offsets.retention.check.interval.ms"));
  config.commit_timeout = milliseconds(values.integer("offsets.commit.timeout.ms"));
  config.codec = static_cast<protocol::Codec>(values.integer("offsets.topic.compression.codec"));
  return config;
}

std::string_view consumer_group_assignor(std::string_view name) {
  if (name == "uniform" || name == "org.apache.kafka.coordinator.group.assignor.UniformAssignor") return "uniform";
  if (name == "range" || name == "org.apache.kafka.coordinator.group.assignor.RangeAssignor") return "range";
  return {};
}

}  // namespace millrace::server

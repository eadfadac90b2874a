#include "broker/server/configuration/topic_configuration.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "broker/protocol/record_batch.h"
#include "broker/server/configuration/kafka_config_error.h"
#include "broker/server/configuration/topic_config_rows.h"

namespace millrace::server {
namespace {

constexpr std::int64_t minute_ms = 60'000;
constexpr std::int64_t hour_ms = 60 * minute_ms;
constexpr auto unlimited = std::numeric_limits<std::int64_t>::max();

std::int64_t log_retention_ms(const ConfigValues& broker) {
  std::int64_t retention_ms = 0;
  if (broker.text("log.retention.ms")) {
    retention_ms = broker.integer("log.retention.ms");
  } else if (broker.text("log.retention.minutes")) {
    retention_ms = broker.integer("log.retention.minutes") * minute_ms;
  } else {
    retention_ms = broker.integer("log.retention.hours") * hour_ms;
  }
  return retention_ms < 0 ? -1 : retention_ms;
}

std::int64_t ms_or_hours(const ConfigValues& broker, std::string_view key_ms, std::string_view key_hours) {
  return broker.text(key_ms) ? broker.integer(key_ms) : broker.integer(key_hours) * hour_ms;
}

// The older key stands in for the newer ones while these have their default.
std::int64_t timestamp_bound_ms(const ConfigValues& values, std::string_view key, std::string_view older_key) {
  auto bound_ms = values.integer(key);
  return bound_ms != unlimited ? bound_ms : values.integer(older_key);
}

// The broker's value for a topic's key, where it is more than the text of one broker key.
std::optional<std::int64_t> combined_broker_value(const ConfigValues& broker, std::string_view topic_key) {
  constexpr std::string_view difference = "log.message.timestamp.difference.max.ms";
  if (topic_key == "retention.ms") return log_retention_ms(broker);
  if (topic_key == "segment.ms") return ms_or_hours(broker, "log.roll.ms", "log.roll.hours");
  if (topic_key == "segment.jitter.ms") return ms_or_hours(broker, "log.roll.jitter.ms", "log.roll.jitter.hours");
  if (topic_key == "flush.ms") {
    return broker.integer(broker.text("log.flush.interval.ms") ? "log.flush.interval.ms"
                                                               : "log.flush.scheduler.interval.ms");
  }
  if (topic_key == "message.timestamp.before.max.ms")
    return timestamp_bound_ms(broker, "log.message.timestamp.before.max.ms", difference);
  if (topic_key == "message.timestamp.after.max.ms")
    return timestamp_bound_ms(broker, "log.message.timestamp.after.max.ms", difference);
  return std::nullopt;
}

std::string broker_text(const ConfigValues& broker, const ConfigRow& row) {
  if (auto combined = combined_broker_value(broker, row.name)) return std::to_string(*combined);
  if (!row.synonym.empty()) {
    if (auto text = broker.text(row.synonym)) return std::string(*text);
  }
  return std::string(row.default_value.value_or(""));
}

// Every key of a topic with the value in force.
ConfigValues values_in_force(const ConfigValues& broker, const ConfigTexts& overrides) {
  const auto& table = topic_config_table();
  ConfigValues values(table);
  for (const auto& row : table.rows()) {
    auto given = overrides.find(row.name);
    if (given != overrides.end() && values.set(row.name, given->second)) continue;
    // A broker's value outside the topic's bounds leaves the default.
    (void)values.set(row.name, broker_text(broker, row));
  }
  return values;
}

std::optional<protocol::Codec> codec_of(std::string_view compression_type) {
  using protocol::Codec;
  if (compression_type == "uncompressed") return Codec::none;
  for (auto codec : {Codec::gzip, Codec::snappy, Codec::lz4, Codec::zstd}) {
    if (compression_type == to_string(codec)) return codec;
  }
  return std::nullopt;
}

// nullopt for the codec's own default: Kafka's default of lz4, 9, stands for its fast compressor.
std::optional<int> level_of(const ConfigValues& values, std::optional<protocol::Codec> codec) {
  if (!codec || *codec == protocol::Codec::none || *codec == protocol::Codec::snappy) return std::nullopt;
  auto key = "compression." + std::string(to_string(*codec)) + ".level";
  if (values.text(key) == values.table().find(key)->default_value) return std::nullopt;
  return static_cast<int>(values.integer(key));
}

log::LogConfig log_config(const ConfigValues& values) {
  constexpr std::string_view difference = "message.timestamp.difference.max.ms";
  auto int32 = [&values](std::string_view key) { return static_cast<std::int32_t>(values.integer(key)); };
  auto policies = values.list("cleanup.policy");
  auto has = [&policies](std::string_view policy) { return std::ranges::find(policies, policy) != policies.end(); };
  log::LogConfig config;
  config.compacted = has("compact");
  config.deleted_by_age_or_size = has("delete");
  config.compression = codec_of(values.string("compression.type"));
  config.compression_level = level_of(values, config.compression);
  config.delete_retention_ms = values.integer("delete.retention.ms");
  config.file_delete_delay_ms = values.integer("file.delete.delay.ms");
  config.flush_messages = values.integer("flush.messages");
  config.flush_ms = values.integer("flush.ms");
  config.index_interval_bytes = int32("index.interval.bytes");
  config.max_compaction_lag_ms = values.integer("max.compaction.lag.ms");
  config.max_message_bytes = int32("max.message.bytes");
  config.message_downconversion = values.boolean("message.downconversion.enable");
  config.message_timestamp_after_max_ms = timestamp_bound_ms(values, "message.timestamp.after.max.ms", difference);
  config.message_timestamp_before_max_ms = timestamp_bound_ms(values, "message.timestamp.before.max.ms", difference);
  config.message_timestamp_type = values.string("message.timestamp.type") == "LogAppendTime"
                                      ? log::TimestampType::log_append_time
                                      : log::TimestampType::create_time;
  config.min_cleanable_dirty_ratio = values.number("min.cleanable.dirty.ratio");
  config.min_compaction_lag_ms = values.integer("min.compaction.lag.ms");
  config.preallocate = values.boolean("preallocate");
  config.retention_bytes = values.integer("retention.bytes");
  config.retention_ms = values.integer("retention.ms");
  config.segment_bytes = int32("segment.bytes");
  config.segment_index_bytes = int32("segment.index.bytes");
  config.segment_jitter_ms = values.integer("segment.jitter.ms");
  config.segment_ms = values.integer("segment.ms");
  return config;
}

// Kafka's conditions between keys, with its words (LogConfig.validateValues, validateNoInvalidRemoteStorageConfigsInZK).
Status check_together(const ConfigValues& values) {
  auto least = values.integer("min.compaction.lag.ms");
  auto most = values.integer("max.compaction.lag.ms");
  if (least > most) {
    return fail(ErrorKind::invalid_argument, "conflict topic config setting min.compaction.lag.ms (" +
                                                 std::to_string(least) + ") > max.compaction.lag.ms (" +
                                                 std::to_string(most) + ")");
  }
  if (values.boolean("remote.storage.enable")) {
    return fail(
        ErrorKind::invalid_argument,
        "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.");
  }
  if (values.boolean("remote.log.delete.on.disable") || values.boolean("remote.log.copy.disable")) {
    return fail(
        ErrorKind::invalid_argument,
        "It is invalid to set `remote.log.delete.on.disable` or `remote.log.copy.disable` under Zookeeper's mode.");
  }
  return {};
}

}  // namespace

TopicSettings topic_settings(const ConfigValues& broker, const ConfigTexts& overrides) {
  auto values = values_in_force(broker, overrides);
  TopicSettings settings;
  settings.log = log_config(values);
  settings.min_insync_replicas = static_cast<std::int32_t>(values.integer("min.insync.replicas"));
  settings.unclean_leader_election = values.boolean("unclean.leader.election.enable");
  settings.leader_throttled_replicas = values.list("leader.replication.throttled.replicas");
  settings.follower_throttled_replicas = values.list("follower.replication.throttled.replicas");
  return settings;
}

std::string topic_config_text(const ConfigValues& broker, const ConfigTexts& overrides, std::string_view name) {
  const auto& row = *topic_config_table().find(name);
  auto given = overrides.find(name);
  if (given != overrides.end() && check_config_value(row, given->second))
    return canonical_config_text(row, given->second);
  return canonical_config_text(row, broker_text(broker, row));
}

Status check_topic_configs(const ConfigValues& broker, const ConfigTexts& overrides) {
  for (const auto& [name, text] : overrides) {
    if (topic_config_table().find(name) == nullptr)
      return fail(ErrorKind::invalid_argument, "Unknown topic config name: " + name);
  }
  for (const auto& [name, text] : overrides) {
    if (auto wrong = kafka_config_error(*topic_config_table().find(name), text))
      return fail(ErrorKind::invalid_argument, *wrong);
  }
  return check_together(values_in_force(broker, overrides));
}

std::string null_topic_configs_message(const std::vector<std::string>& names) {
  std::string message = "Null value not supported for topic configs: ";
  for (std::size_t i = 0; i < names.size(); ++i) message += (i == 0 ? "" : ",") + names[i];
  return message;
}

}  // namespace millrace::server

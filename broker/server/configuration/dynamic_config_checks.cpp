#include "broker/server/configuration/dynamic_config_checks.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/metadata/znodes/kafka_map_order.h"
#include "broker/server/configuration/broker_config_rows.h"
#include "broker/server/configuration/broker_configuration_checks.h"
#include "broker/server/configuration/kafka_config_error.h"
#include "broker/server/configuration/listener_changes.h"
#include "broker/server/configuration/network_settings.h"

namespace millrace::server {
namespace {

// What a listener has of its own (SslConfigs.RECONFIGURABLE_CONFIGS).
constexpr std::array of_listeners = std::to_array<std::string_view>(
    {"ssl.keystore.type", "ssl.keystore.location", "ssl.keystore.password", "ssl.key.password", "ssl.truststore.type",
     "ssl.truststore.location", "ssl.truststore.password", "ssl.keystore.certificate.chain", "ssl.keystore.key",
     "ssl.truststore.certificates"});
// With a listener's prefix these are everybody's too.
constexpr std::array of_all_listeners =
    std::to_array<std::string_view>({"max.connections", "max.connection.creation.rate", "num.network.threads"});
// Quotas of replication are no keys of server.properties (DynamicConfig.Broker).
constexpr std::array rates =
    std::to_array<std::string_view>({"leader.replication.throttled.rate", "follower.replication.throttled.rate",
                                     "replica.alter.log.dirs.io.max.bytes.per.second"});
constexpr std::array thread_counts =
    std::to_array<std::string_view>({"num.io.threads", "num.network.threads", "num.replica.fetchers",
                                     "num.recovery.threads.per.data.dir", "background.threads"});

template <class Names>
bool contains(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

Status refuse(std::string message) { return fail(ErrorKind::invalid_argument, std::move(message)); }

// Kafka's wrapping of what a part of it refuses.
Status refuse_change(const std::string& why) {
  return refuse("Invalid value org.apache.kafka.common.config.ConfigException: " + why +
                " for configuration Invalid dynamic configuration");
}

template <class Predicate>
Status refuse_names(const ConfigTexts& texts, std::string_view why, std::string_view set, Predicate is_wrong) {
  std::vector<std::string> wrong;
  for (const auto& [name, text] : texts) {
    if (is_wrong(name)) wrong.push_back(name);
  }
  if (wrong.empty()) return {};
  metadata::znodes::sort_as_java_properties(wrong);
  std::string message = std::string(why) + ": " + std::string(set) + "(";
  for (std::size_t i = 0; i < wrong.size(); ++i) message += (i == 0 ? "" : ", ") + wrong[i];
  return refuse(message + ")");
}

bool cannot_change(std::string_view name) {
  const auto* row = broker_config_table().find(name);
  return row != nullptr && !row->dynamic;
}

bool needs_listener(std::string_view name) { return contains(of_listeners, name); }

bool is_of_one_broker(std::string_view name) {
  if (auto base = base_of_listener_key(name); !base.empty()) return !contains(of_all_listeners, base);
  const auto* row = broker_config_table().find(name);
  return row != nullptr && row->per_broker;
}

std::optional<std::string> wrong_value(std::string_view name, std::string_view text) {
  auto base = base_of_listener_key(name);
  auto key = base.empty() ? name : base;
  if (const auto* row = broker_config_table().find(key)) return kafka_config_error(*row, text);
  if (!contains(rates, key)) return std::nullopt;
  ConfigRow rate{.name = key,
                 .type = ConfigType::int64,
                 .scope = ConfigScope::broker,
                 .default_value = std::nullopt,
                 .documentation = {}};
  rate.minimum = 0;
  return kafka_config_error(rate, text);
}

Status check_count(std::string_view key, std::int64_t now, std::int64_t next) {
  if (next == now) return {};
  const auto begin =
      "Dynamic thread count update validation failed for " + std::string(key) + "=" + std::to_string(next) + ", value ";
  if (next <= 0) return refuse_change(begin + "should be at least 1");
  if (next < now / 2) return refuse_change(begin + "should be at least half the current value " + std::to_string(now));
  if (next > now * 2)
    return refuse_change(begin + "should not be greater than double the current value " + std::to_string(now));
  return {};
}

Status check_cleaner(std::int64_t now, std::int64_t next) {
  if (next < 1) return refuse_change("Log cleaner threads should be at least 1");
  if (next < now / 2) {
    return refuse_change("Log cleaner threads cannot be reduced to less than half the current value " +
                         std::to_string(now));
  }
  if (next > now * 2) {
    return refuse_change("Log cleaner threads cannot be increased to more than double the current value " +
                         std::to_string(now));
  }
  return {};
}

Status check_steps(const ConfigValues& now, const ConfigValues& next) {
  for (auto key : thread_counts) {
    if (auto checked = check_count(key, now.integer(key), next.integer(key)); !checked) return checked;
  }
  constexpr std::string_view cleaner = "log.cleaner.threads";
  if (auto checked = check_cleaner(now.integer(cleaner), next.integer(cleaner)); !checked) return checked;
  constexpr std::string_view creations = "max.connection.creation.rate";
  if (next.integer(creations) != now.integer(creations) && next.integer(creations) <= 0)
    return refuse_change("Invalid " + std::string(creations) + " " + next.string(creations));
  return {};
}

// Java's classes, which static values are refused for as well.
Status check_classes(const ConfigValues& next) {
  constexpr std::string_view reporters = "metric.reporters";
  auto named = next.string(reporters);
  if (!named.empty() && named != next.table().find(reporters)->default_value) {
    return refuse("Invalid value '" + named + "' for configuration " + std::string(reporters) +
                  ": Java classes cannot be loaded");
  }
  return refuse_unsupported(next);
}

}  // namespace

bool is_dynamic_secret(std::string_view name) {
  auto base = base_of_listener_key(name);
  const auto* row = broker_config_table().find(base.empty() ? name : base);
  return row != nullptr && row->type == ConfigType::password && row->dynamic;
}

void drop_invalid_dynamic_configs(BrokerConfigLevel level, ConfigTexts& texts) {
  std::erase_if(texts, [level](const auto& pair) {
    return cannot_change(pair.first) || needs_listener(pair.first) ||
           (level == BrokerConfigLevel::all_brokers && is_of_one_broker(pair.first)) ||
           wrong_value(pair.first, pair.second);
  });
}

Status check_dynamic_configs(const BrokerConfigLayers& current, BrokerConfigLevel level, const ConfigTexts& texts) {
  auto checked = refuse_names(texts, "Cannot update these configs dynamically", "Set", cannot_change);
  if (!checked) return checked;
  checked = refuse_names(
      texts, "These security configs can be dynamically updated only per-listener using the listener prefix", "HashSet",
      needs_listener);
  if (!checked) return checked;
  for (const auto& [name, text] : texts) {
    if (auto wrong = wrong_value(name, text)) return refuse(*wrong);
  }
  if (level == BrokerConfigLevel::all_brokers) {
    checked = refuse_names(texts, "Cannot update these configs at default cluster level, broker id must be specified",
                           "Set", is_of_one_broker);
    if (!checked) return checked;
  }
  const bool own = level == BrokerConfigLevel::one_broker;
  const BrokerConfigLayers next(current.fixed(), own ? current.cluster_wide() : texts,
                                own ? texts : current.of_broker());
  checked = check_together(next.values());
  if (checked) checked = check_classes(next.values());
  if (checked) checked = check_steps(current.values(), next.values());
  if (!checked) return checked;
  if (auto network = network_settings(next.values()); !network) return tl::unexpected(network.error());
  return check_listener_change(current, next);
}

}  // namespace millrace::server

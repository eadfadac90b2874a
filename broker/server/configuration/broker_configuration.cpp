#include "broker/server/configuration/broker_configuration.h"

#include <filesystem>
#include <utility>

#include "broker/base/file.h"
#include "broker/server/configuration/broker_config_layers.h"
#include "broker/server/configuration/broker_config_rows.h"
#include "broker/server/configuration/broker_configuration_checks.h"
#include "broker/server/configuration/cleaner_settings.h"
#include "broker/server/configuration/network_settings.h"

namespace millrace::server {
namespace {

// Keys of Kafka's own plug-ins, which KafkaConfig does not know either.
constexpr std::string_view plugin_keys[] = {"super.users", "allow.everyone.if.no.acl.found"};

std::string in_quotes(std::string_view text) { return "'" + std::string(text) + "'"; }

std::string unknown_warning(std::string_view key) {
  std::string warning = "Unknown configuration " + in_quotes(key) + " is ignored";
  if (const auto* near = broker_config_table().nearest(key))
    warning += "; did you mean " + std::string(near->name) + "?";
  return warning;
}

std::string support_warning(std::string_view key, ConfigSupport support) {
  return "Configuration " + std::string(key) + " is accepted" +
         (support == ConfigSupport::not_yet ? ", and has no effect yet" : ", and has no effect in Millrace");
}

// Values that equal the default promise nothing that does not hold.
bool is_default(const ConfigRow& row, std::string_view text) {
  if (!row.default_value) return text.empty();
  return canonical_config_text(row, text) == canonical_config_text(row, *row.default_value);
}

Status set_unlisted(BrokerConfiguration& configuration, const std::string& key, const std::string& text) {
  configuration.unlisted.insert_or_assign(key, text);
  auto base = base_of_listener_key(key);
  if (const auto* row = base.empty() ? nullptr : broker_config_table().find(base)) {
    auto named = *row;
    named.name = key;
    if (auto checked = check_config_value(named, text); !checked) return checked;
    configuration.warnings.push_back(support_warning(key, ConfigSupport::not_yet));
    return {};
  }
  for (auto known : plugin_keys) {
    if (key == known) {
      configuration.warnings.push_back(support_warning(key, ConfigSupport::not_yet));
      return {};
    }
  }
  configuration.warnings.push_back(unknown_warning(key));
  return {};
}

Status set_values(BrokerConfiguration& configuration, const ConfigPairs& pairs) {
  ConfigTexts last;
  for (const auto& [key, text] : pairs) last.insert_or_assign(key, text);
  for (const auto& [key, text] : last) {
    const auto* row = broker_config_table().find(key);
    if (row == nullptr) {
      if (auto set = set_unlisted(configuration, key, text); !set) return set;
      continue;
    }
    // An empty value of a row without a default is no value, and "metadata.store=" is one.
    if (text.empty() && !row->default_value && row->check != nullptr) continue;
    if (auto set = configuration.values.set(key, text); !set) return set;
    if (row->support != ConfigSupport::effective && !is_default(*row, text))
      configuration.warnings.push_back(support_warning(key, row->support));
  }
  // broker.id and node.id are two names of one thing; one that is given is the other's value too.
  for (auto [given, other] : {std::pair{"broker.id", "node.id"}, std::pair{"node.id", "broker.id"}}) {
    if (!configuration.values.is_set(given) || configuration.values.is_set(other)) continue;
    if (auto set = configuration.values.set(other, configuration.values.string(given)); !set) return set;
  }
  return {};
}

std::string normal_path(const std::string& path) {
  auto normal = std::filesystem::path(path).lexically_normal().string();
  while (normal.size() > 1 && normal.back() == '/') normal.pop_back();
  return normal;
}

bool lies_in(const std::string& inner, const std::string& outer) {
  return inner == outer || inner.starts_with(outer == "/" ? outer : outer + "/");
}

Result<std::vector<std::string>> log_directories(const ConfigValues& values) {
  std::string_view key = values.string("log.dirs").empty() ? "log.dir" : "log.dirs";
  std::vector<std::string> directories;
  for (const auto& item : values.list(key)) {
    if (item.empty())
      return fail(ErrorKind::invalid_argument, "Invalid value " + in_quotes(values.string(key)) +
                                                   " for configuration " + std::string(key) +
                                                   ": one of the directories is empty");
    for (const auto& other : directories) {
      if (lies_in(normal_path(item), normal_path(other)) || lies_in(normal_path(other), normal_path(item))) {
        return fail(ErrorKind::invalid_argument, "Invalid value " + in_quotes(values.string(key)) +
                                                     " for configuration " + std::string(key) + ": " + item + " and " +
                                                     other + " are the same or lie in each other");
      }
    }
    directories.push_back(item);
  }
  if (directories.empty())
    return fail(ErrorKind::invalid_argument, "At least one log directory must be defined via log.dirs or log.dir");
  return directories;
}

Result<MetadataStoreConfiguration> metadata_store(const ConfigValues& values,
                                                  const std::vector<std::string>& log_directories) {
  constexpr std::string_view embedded = "embedded:";
  MetadataStoreConfiguration store;
  auto text = values.string("metadata.store");
  store.connect = values.string("zookeeper.connect");
  if (text.empty() && store.connect.empty()) {
    return fail(ErrorKind::invalid_argument,
                "No metadata store: set metadata.store=embedded:<directory> for a single broker, or zookeeper.connect "
                "for a cluster");
  }
  if (text.starts_with(embedded)) {
    store.directory = text.substr(embedded.size());
    for (const auto& directory : log_directories) {
      if (!lies_in(normal_path(store.directory), normal_path(directory))) continue;
      return fail(ErrorKind::invalid_argument,
                  "Invalid value " + in_quotes(text) +
                      " for configuration metadata.store: the directory must not lie in the log directory " +
                      directory);
    }
    return store;
  }
  store.kind = MetadataStoreConfiguration::Kind::zookeeper;
  if (store.connect.empty())
    return fail(ErrorKind::invalid_argument, "metadata.store=zookeeper needs zookeeper.connect");
  store.session_timeout_ms = static_cast<std::int32_t>(values.integer("zookeeper.session.timeout.ms"));
  store.connection_timeout_ms = values.text("zookeeper.connection.timeout.ms")
                                    ? static_cast<std::int32_t>(values.integer("zookeeper.connection.timeout.ms"))
                                    : store.session_timeout_ms;
  return store;
}

Result<std::vector<std::string>> journal_directories(const ConfigValues& values,
                                                     const std::vector<std::string>& log_directories) {
  constexpr std::string_view key = "millrace.journal.dirs";
  auto directories = values.list(key);
  auto invalid = [&](const std::string& why) {
    return fail(ErrorKind::invalid_argument, "Invalid value " + in_quotes(values.string(key)) + " for configuration " +
                                                 std::string(key) + ": " + why);
  };
  if (directories.empty()) return directories;
  if (directories.size() != log_directories.size())
    return invalid("there must be one for each of the " + std::to_string(log_directories.size()) + " log directories");
  for (std::size_t number = 0; number < directories.size(); ++number) {
    for (const auto& log_directory : log_directories) {
      if (lies_in(normal_path(directories[number]), normal_path(log_directory)))
        return invalid(directories[number] + " lies in the log directory " + log_directory);
    }
    for (std::size_t other = 0; other < number; ++other) {
      if (normal_path(directories[number]) == normal_path(directories[other]))
        return invalid(directories[number] + " is given twice");
    }
  }
  return directories;
}

log::LogManagerOptions log_options(const BrokerConfiguration& configuration, std::vector<std::string> directories) {
  const auto& values = configuration.values;
  log::LogManagerOptions options;
  options.directories = std::move(directories);
  options.checkpoint_interval_ms = values.integer("log.flush.offset.checkpoint.interval.ms");
  options.log_start_checkpoint_interval_ms = values.integer("log.flush.start.offset.checkpoint.interval.ms");
  options.initial_task_delay_ms = values.integer("log.initial.task.delay.ms");
  options.retention_check_interval_ms = values.integer("log.retention.check.interval.ms");
  options.cleaner.reset();
  if (values.boolean("log.cleaner.enable")) options.cleaner = cleaner_options(values);
  options.high_watermark_checkpoint_interval_ms = values.integer("replica.high.watermark.checkpoint.interval.ms");
  std::string_view housekeeping = values.is_set("log.flush.scheduler.interval.ms")
                                      ? "log.flush.scheduler.interval.ms"
                                      : "millrace.log.housekeeping.interval.ms";
  options.housekeeping_interval_ms = values.integer(housekeeping);
  options.producer_id_expiration_ms = values.integer("producer.id.expiration.ms");
  options.max_producers_per_partition =
      static_cast<std::size_t>(values.integer("millrace.log.max.producers.per.partition"));
  options.max_open_files = static_cast<std::size_t>(values.integer("millrace.log.open.files"));
  options.tail_window_bytes = static_cast<std::uint64_t>(values.integer("millrace.log.tail.window.bytes"));
  options.slow_append = std::chrono::milliseconds(values.integer("millrace.log.slow.append.ms"));
  options.journal.files = static_cast<std::size_t>(values.integer("millrace.journal.files"));
  options.journal.file_bytes = static_cast<std::uint64_t>(values.integer("millrace.journal.file.bytes"));
  options.recovery_threads = static_cast<std::size_t>(values.integer("num.recovery.threads.per.data.dir"));
  return options;
}

void read_plain_fields(BrokerConfiguration& configuration) {
  const auto& values = configuration.values;
  configuration.broker_id = BrokerId(static_cast<std::int32_t>(values.integer("broker.id")));
  configuration.max_reserved_broker_id = static_cast<std::int32_t>(values.integer("reserved.broker.max.id"));
  configuration.rack = values.string("broker.rack");
  configuration.cluster_id = values.string("millrace.cluster.id");
  configuration.shards = static_cast<std::uint32_t>(values.integer("millrace.shards"));
  configuration.shards_share_thread = values.boolean("millrace.shards.share.thread");
  configuration.worker_threads = static_cast<std::size_t>(values.integer("millrace.worker.threads"));
  configuration.request_slice = std::chrono::microseconds(values.integer("millrace.request.slice.us"));
  configuration.topics.num_partitions = static_cast<std::int32_t>(values.integer("num.partitions"));
  configuration.topics.replication_factor = static_cast<std::int16_t>(values.integer("default.replication.factor"));
  configuration.topics.auto_create = values.boolean("auto.create.topics.enable");
  configuration.topics.deletable = values.boolean("delete.topic.enable");
  configuration.fetch_max_bytes = static_cast<std::int32_t>(values.integer("fetch.max.bytes"));
  configuration.fetch_session_slots =
      static_cast<std::size_t>(values.integer("max.incremental.fetch.session.cache.slots"));
  configuration.fetch_session_max_partitions =
      static_cast<std::size_t>(values.integer("millrace.fetch.session.max.partitions"));
  auto& conversion = configuration.conversion;
  conversion.memory_bytes = static_cast<std::uint64_t>(values.integer("millrace.conversion.memory.bytes"));
  conversion.decompression.output_limit_bytes =
      static_cast<std::uint64_t>(values.integer("millrace.decompression.max.bytes"));
  conversion.decompression.ratio_limit = static_cast<std::uint64_t>(values.integer("millrace.decompression.max.ratio"));
  if (auto port = values.integer("millrace.http.port"); port >= 0) {
    configuration.http = HttpConfiguration{values.string("millrace.http.address"), static_cast<std::uint16_t>(port)};
  }
}

}  // namespace

Result<BrokerConfiguration> make_broker_configuration(const ConfigPairs& pairs, std::string_view local_host) {
  BrokerConfiguration configuration;
  configuration.local_host = local_host;
  if (auto set = set_values(configuration, pairs); !set) return tl::unexpected(set.error());
  const auto& values = configuration.values;
  if (auto checked = refuse_unsupported(values); !checked) return tl::unexpected(checked.error());
  if (auto checked = check_together(values); !checked) return tl::unexpected(checked.error());
  read_plain_fields(configuration);
  auto listeners = parse_listener_configuration(values, local_host);
  if (!listeners) return tl::unexpected(listeners.error());
  configuration.listeners = std::move(*listeners);
  auto directories = log_directories(values);
  if (!directories) return tl::unexpected(directories.error());
  auto store = metadata_store(values, *directories);
  if (!store) return tl::unexpected(store.error());
  configuration.metadata_store = std::move(*store);
  auto journals = journal_directories(values, *directories);
  if (!journals) return tl::unexpected(journals.error());
  configuration.log = log_options(configuration, std::move(*directories));
  configuration.log.journal.directories = std::move(*journals);
  auto network = network_settings(values);
  if (!network) return tl::unexpected(network.error());
  configuration.network = std::move(*network);
  return configuration;
}

Result<BrokerConfiguration> load_broker_configuration(FileSystem& files, const std::string& path,
                                                      std::span<const std::string> overrides,
                                                      std::string_view local_host) {
  constexpr std::uint64_t limit_bytes = 4 * 1024 * 1024;
  ConfigPairs pairs;
  if (!path.empty()) {
    auto text = files.read_text(path, limit_bytes);
    if (!text) return tl::unexpected(text.error());
    auto parsed = parse_properties(*text);
    if (!parsed) return fail(parsed.error().kind, path + ": " + parsed.error().message);
    pairs = std::move(*parsed);
  }
  for (const auto& override_text : overrides) {
    auto equals = override_text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(ErrorKind::invalid_argument, "--override " + in_quotes(override_text) + ": allowed is key=value");
    }
    pairs.emplace_back(override_text.substr(0, equals), override_text.substr(equals + 1));
  }
  return make_broker_configuration(pairs, local_host.empty() ? local_host_name() : std::string(local_host));
}

}  // namespace millrace::server

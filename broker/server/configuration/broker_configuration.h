// What server.properties and --override say, checked as a whole and translated once for the parts of the broker
// (Kafka: KafkaConfig). Immutable after the load; any thread. Errors are invalid_argument with the key, the value and what is
// allowed, or those of reading the file.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/config_table.h"
#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/log/log_manager.h"
#include "broker/network/network_config.h"
#include "broker/protocol/conversion_bounds.h"
#include "broker/server/configuration/broker_config_rows.h"
#include "broker/server/configuration/config_entry.h"
#include "broker/server/configuration/listener.h"

namespace millrace {
class FileSystem;
}

namespace millrace::server {

struct MetadataStoreConfiguration {
  enum class Kind : std::uint8_t { embedded, zookeeper };
  Kind kind = Kind::embedded;
  std::string directory;  // of the embedded store
  std::string connect;    // zookeeper.connect
  std::int32_t connection_timeout_ms = 18'000;
  std::int32_t session_timeout_ms = 18'000;
};

struct HttpConfiguration {
  std::string host;  // "": every address
  std::uint16_t port = 0;
};

// How topics come and go.
struct TopicDefaults {
  std::int32_t num_partitions = 1;
  std::int16_t replication_factor = 1;
  bool auto_create = true;
  bool deletable = true;
};

struct BrokerConfiguration {
  // The static values, for DescribeConfigs and for what has no field below.
  ConfigValues values{broker_config_table()};
  // Keys that are no rows: unknown ones, and those of one listener (listener.name.<name>.<key>).
  ConfigTexts unlisted;
  // For the log at start: keys that are unknown or have no effect.
  std::vector<std::string> warnings;

  BrokerId broker_id = BrokerId::none();  // none(): to be generated, above max_reserved_broker_id
  std::int32_t max_reserved_broker_id = 1000;
  std::string rack;          // empty: none
  std::string cluster_id;    // empty: whatever the cluster has, or a random one
  std::uint32_t shards = 0;  // 0: one per core
  bool shards_share_thread = true;
  std::size_t worker_threads = 0;  // for long computations; 0: as many as shards
  Duration request_slice = Shard::usual_slice;
  MetadataStoreConfiguration metadata_store;
  std::string local_host;  // advertised where a listener has no host
  ListenerConfiguration listeners;
  network::NetworkConfig network;
  std::optional<HttpConfiguration> http;  // nullopt: none is served
  log::LogManagerOptions log;             // broker_id and cluster_id are filled in
  TopicDefaults topics;
  std::int32_t fetch_max_bytes = 57'671'680;
  std::size_t fetch_session_slots = 1000;
  std::size_t fetch_session_max_partitions = 1'000'000;
  protocol::ConversionBounds::Settings conversion;
};

// `path` empty: no file, only overrides ("key=value", the last of a key wins) and defaults. `local_host` is advertised
// where a listener has no host; empty asks the system. Blocks: for the start.
Result<BrokerConfiguration> load_broker_configuration(FileSystem& files, const std::string& path,
                                                      std::span<const std::string> overrides,
                                                      std::string_view local_host = {});

// The same from values that are already at hand, the later of a key wins.
using ConfigPairs = std::vector<std::pair<std::string, std::string>>;
Result<BrokerConfiguration> make_broker_configuration(const ConfigPairs& pairs, std::string_view local_host);

}  // namespace millrace::server

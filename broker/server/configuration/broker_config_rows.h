// Every key of server.properties: all that Kafka 3.9 knows (KafkaConfig.configDef) with its type, default, bounds and way of
// change, and Millrace's own. Immutable after the first call; any thread.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "broker/base/config_table.h"

namespace millrace::server {

struct BrokerConfigTheme {
  std::string_view title;
  std::span<const ConfigRow> rows;
};

// In the order of the reference page; Millrace's own rows come first.
const std::vector<BrokerConfigTheme>& broker_config_themes();

const ConfigTable& broker_config_table();

// A key that Kafka does not know: it is answered only by Millrace, and Kafka would warn of it.
bool is_millrace_key(std::string_view name);

// The themes' rows, each in a file of its own.
std::span<const ConfigRow> millrace_config_rows();
std::span<const ConfigRow> general_config_rows();
std::span<const ConfigRow> listener_config_rows();
std::span<const ConfigRow> log_config_rows();
std::span<const ConfigRow> cleaner_config_rows();
std::span<const ConfigRow> replication_config_rows();
std::span<const ConfigRow> purgatory_config_rows();
std::span<const ConfigRow> group_config_rows();
std::span<const ConfigRow> transaction_config_rows();
std::span<const ConfigRow> quota_config_rows();
std::span<const ConfigRow> ssl_config_rows();
std::span<const ConfigRow> sasl_config_rows();
std::span<const ConfigRow> zookeeper_config_rows();
std::span<const ConfigRow> kraft_config_rows();
std::span<const ConfigRow> remote_config_rows();

}  // namespace millrace::server

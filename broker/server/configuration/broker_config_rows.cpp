#include "broker/server/configuration/broker_config_rows.h"

#include <algorithm>

namespace millrace::server {

const std::vector<BrokerConfigTheme>& broker_config_themes() {
  static const std::vector<BrokerConfigTheme> themes{
      {"Millrace", millrace_config_rows()},
      {"Broker", general_config_rows()},
      {"Listeners and connections", listener_config_rows()},
      {"Storage", log_config_rows()},
      {"Compaction", cleaner_config_rows()},
      {"Replication and controller", replication_config_rows()},
      {"Groups and offsets", group_config_rows()},
      {"Transactions and producers", transaction_config_rows()},
      {"Quotas and metrics", quota_config_rows()},
      {"TLS", ssl_config_rows()},
      {"SASL and delegation tokens", sasl_config_rows()},
      {"ZooKeeper", zookeeper_config_rows()},
      {"Waiting requests", purgatory_config_rows()},
      {"Remote storage", remote_config_rows()},
      {"KRaft", kraft_config_rows()},
  };
  return themes;
}

const ConfigTable& broker_config_table() {
  static const std::vector<ConfigRow> rows = [] {
    std::vector<ConfigRow> all;
    for (const auto& theme : broker_config_themes()) all.insert(all.end(), theme.rows.begin(), theme.rows.end());
    return all;
  }();
  static const ConfigTable table(rows);
  return table;
}

bool is_millrace_key(std::string_view name) {
  return std::ranges::any_of(millrace_config_rows(), [name](const ConfigRow& row) { return row.name == name; });
}

}  // namespace millrace::server

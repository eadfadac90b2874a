// What AlterConfigs and IncrementalAlterConfigs make of the configuration that stands (Kafka: ConfigAdminManager,
// ZkAdminManager). Pure: no store, no clock. Any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/base/config_table.h"
#include "broker/protocol/config_resource.h"
#include "broker/protocol/error_code.h"
#include "broker/server/configuration/broker_config_layers.h"
#include "broker/server/configuration/config_entry.h"

namespace millrace::server {

struct ConfigChange {
  std::string name;
  protocol::ConfigOperation operation = protocol::ConfigOperation::set;
  std::optional<std::string> value;
};

struct ConfigAlteration {
  bool replaces = false;  // all that is set, and every change sets
  std::vector<ConfigChange> changes;
};

struct ConfigRefusal {
  protocol::ErrorCode code;
  std::optional<std::string> message;
};

// Keys that stand twice, and nulls where there must be texts: what no resource takes.
std::optional<ConfigRefusal> check_alteration(const ConfigAlteration& alteration);

// The texts of a topic when the alteration is done, checked. `broker` gives the values of keys that are not set.
tl::expected<ConfigTexts, ConfigRefusal> alter_topic(const ConfigValues& broker, std::string_view topic,
                                                     const ConfigTexts& now, const ConfigAlteration& alteration);

// Whose configuration of brokers: one broker's own, or the default of all.
enum class BrokerConfigLevel : std::uint8_t { one_broker, all_brokers };

// The same for brokers, checked as Kafka checks against what is in force on this one (`current`).
tl::expected<ConfigTexts, ConfigRefusal> alter_broker(const BrokerConfigLayers& current, BrokerConfigLevel level,
                                                      const ConfigTexts& now, const ConfigAlteration& alteration);
// Secrets among the texts, which cannot be kept: the store must not have them in the clear. Not for what is only tried.
std::optional<ConfigRefusal> refuse_secrets(BrokerConfigLevel level, std::string_view resource_name,
                                            const ConfigTexts& texts);

}  // namespace millrace::server

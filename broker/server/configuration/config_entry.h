// One line of a DescribeConfigs answer, independent of the request's version (Kafka: ConfigHelper).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/config_table.h"
#include "broker/protocol/config_resource.h"

namespace millrace::server {

using protocol::ConfigSource;

using ConfigTexts = std::map<std::string, std::string, std::less<>>;  // values by key

struct ConfigSynonym {
  std::string name;
  std::optional<std::string> value;  // nullopt: sensitive
  ConfigSource source;

  friend bool operator==(const ConfigSynonym&, const ConfigSynonym&) = default;
};

struct ConfigEntry {
  std::string name;
  std::optional<std::string> value;  // nullopt: null, or sensitive
  bool read_only = false;
  bool is_default = false;
  ConfigSource source = ConfigSource::default_config;
  bool is_sensitive = false;
  std::vector<ConfigSynonym> synonyms;  // the value in force first, then what it hides
  protocol::ConfigType type = protocol::ConfigType::unknown;
  std::string documentation;

  friend bool operator==(const ConfigEntry&, const ConfigEntry&) = default;
};

// The type's number in DescribeConfigs.
protocol::ConfigType wire_type(ConfigType type);

}  // namespace millrace::server

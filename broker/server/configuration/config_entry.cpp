#include "broker/server/configuration/config_entry.h"

namespace millrace::server {

protocol::ConfigType wire_type(ConfigType type) {
  switch (type) {
    case ConfigType::boolean:
      return protocol::ConfigType::boolean;
    case ConfigType::string:
      return protocol::ConfigType::string;
    case ConfigType::int16:
      return protocol::ConfigType::short_integer;
    case ConfigType::int32:
      return protocol::ConfigType::integer;
    case ConfigType::int64:
      return protocol::ConfigType::long_integer;
    case ConfigType::float64:
      return protocol::ConfigType::floating;
    case ConfigType::list:
      return protocol::ConfigType::list;
    case ConfigType::class_name:
      return protocol::ConfigType::class_name;
    case ConfigType::password:
      return protocol::ConfigType::password;
  }
  return protocol::ConfigType::unknown;
}

}  // namespace millrace::server

// A broker's server.properties: what the operator decides, then spec.config, in the order of the keys.
#pragma once

#include <string>

#include "operator/resources/broker.h"

namespace millrace::resources {

inline constexpr const char* config_directory = "/etc/millrace";
inline constexpr const char* config_file = "server.properties";
inline constexpr const char* volumes_directory = "/var/lib/millrace";

[[nodiscard]] std::string volume_directory(const api::VolumeSpec& volume);
[[nodiscard]] std::string server_properties(const Broker& broker);

}  // namespace millrace::resources

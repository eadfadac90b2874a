// Listeners as server.properties names them: NAME://host:port (Kafka: CoreUtils.listenerListToEndPoints, KafkaConfig.validateValues).
// Values; any thread. Errors name the key, what stands there and what is allowed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/config_table.h"
#include "broker/base/result.h"
#include "broker/network/network_config.h"

namespace millrace::server {

enum class SecurityProtocol : std::uint8_t { plaintext, ssl, sasl_plaintext, sasl_ssl };

std::string_view to_string(SecurityProtocol protocol);

struct Listener {
  std::string name;  // upper case
  SecurityProtocol protocol = SecurityProtocol::plaintext;
  std::string host;        // "" in listeners: every address. Without the brackets of IPv6.
  std::uint16_t port = 0;  // 0: the system chooses; an advertised 0 stands for what it chose

  friend bool operator==(const Listener&, const Listener&) = default;
};

struct ListenerConfiguration {
  std::vector<Listener> listeners;
  // A subset of the listeners by name; the host is never empty.
  std::vector<Listener> advertised;
  std::string inter_broker_name;
  std::string control_plane_name;  // empty: the controller uses the brokers' listener

  [[nodiscard]] const Listener* advertised_by_name(std::string_view name) const;
  friend bool operator==(const ListenerConfiguration&, const ListenerConfiguration&) = default;
};

// For the network layer. The listeners of brokers and of the controller are reserved where clients have another one.
std::vector<network::ListenerConfig> network_listeners(const ListenerConfiguration& configuration);

// `local_host` is advertised where a listener on every address has no advertised address of its own.
Result<ListenerConfiguration> parse_listener_configuration(const ConfigValues& values, std::string_view local_host);

// The name of this machine as its resolver knows it, else its own short name. May block; for the start only.
std::string local_host_name();

}  // namespace millrace::server

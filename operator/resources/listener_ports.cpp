#include "operator/resources/listener_ports.h"

#include <nlohmann/json.hpp>

namespace millrace::resources {

using Json = nlohmann::json;

std::string port_name(const api::ListenerSpec& listener) { return "tcp-" + listener.name; }

Json service_ports(const api::KafkaClusterSpec& spec) {
  Json ports = Json::array();
  for (const auto& listener : spec.listeners) {
    ports.push_back({{"name", port_name(listener)},
                     {"port", listener.port},
                     {"protocol", "TCP"},
                     {"targetPort", port_name(listener)}});
  }
  return ports;
}

Json container_ports(const api::KafkaClusterSpec& spec) {
  Json ports = Json::array();
  for (const auto& listener : spec.listeners) {
    ports.push_back({{"name", port_name(listener)}, {"containerPort", listener.port}, {"protocol", "TCP"}});
  }
  ports.push_back({{"name", "http"}, {"containerPort", api::http_port}, {"protocol", "TCP"}});
  return ports;
}

}  // namespace millrace::resources

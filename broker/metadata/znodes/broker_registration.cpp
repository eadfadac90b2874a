#include "broker/metadata/znodes/broker_registration.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "broker/metadata/znodes/json_object.h"
#include "broker/metadata/znodes/kafka_map_order.h"

namespace millrace::metadata::znodes {
namespace {

constexpr std::int64_t written_version = 5;
constexpr std::int32_t port_max = 65'535;

std::string connection_string(const Endpoint& endpoint) {
  bool is_ipv6 = endpoint.host.find(':') != std::string::npos;
  auto host = is_ipv6 ? "[" + endpoint.host + "]" : endpoint.host;
  return endpoint.listener + "://" + host + ":" + std::to_string(endpoint.port);
}

// LISTENER://host:port or LISTENER://[v6]:port; the host may be empty.
Result<Endpoint> parse_endpoint(std::string_view text, const JsonObject& json) {
  auto wrong = [&] { return json.corrupt("\"" + std::string(text) + "\" is not LISTENER://host:port"); };
  auto scheme = text.find("://");
  auto colon = text.rfind(':');
  if (scheme == std::string_view::npos || scheme == 0 || colon < scheme + 3) return wrong();
  Endpoint endpoint;
  endpoint.listener = text.substr(0, scheme);
  auto host = text.substr(scheme + 3, colon - scheme - 3);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  endpoint.host = host;
  auto port = text.substr(colon + 1);
  auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (error != std::errc() || end != port.data() + port.size() || endpoint.port < 0 || endpoint.port > port_max)
    return wrong();
  return endpoint;
}

Result<std::vector<Endpoint>> endpoints_of(const JsonObject& json, std::int64_t version) {
  if (version == 1) {
    auto host = json.text("host");
    if (!host) return tl::unexpected(std::move(host.error()));
    auto port = json.integer("port", 0, port_max);
    if (!port) return tl::unexpected(std::move(port.error()));
    return std::vector{Endpoint{"PLAINTEXT", "PLAINTEXT", std::move(*host), static_cast<std::int32_t>(*port)}};
  }
  auto texts = json.texts("endpoints");
  if (!texts) return tl::unexpected(std::move(texts.error()));
  auto protocols = json.object("listener_security_protocol_map");
  if (!protocols) return tl::unexpected(std::move(protocols.error()));
  std::vector<Endpoint> endpoints;
  for (const auto& text : *texts) {
    auto endpoint = parse_endpoint(text, json);
    if (!endpoint) return tl::unexpected(std::move(endpoint.error()));
    // Before version 4 a listener was named by its protocol.
    auto protocol = protocols->has(endpoint->listener) ? protocols->text(endpoint->listener) : endpoint->listener;
    if (!protocol) return tl::unexpected(std::move(protocol.error()));
    endpoint->security_protocol = std::move(*protocol);
    endpoints.push_back(std::move(*endpoint));
  }
  return endpoints;
}

}  // namespace

std::string encode(const BrokerRegistration& registration) {
  std::map<std::string, std::string> protocol_of;
  std::vector<std::string> listeners;
  std::string endpoints;
  for (const auto& endpoint : registration.endpoints) {
    if (protocol_of.emplace(endpoint.listener, endpoint.security_protocol).second)
      listeners.push_back(endpoint.listener);
    if (!endpoints.empty()) endpoints += ',';
    endpoints += json_text(connection_string(endpoint));
  }
  sort_as_scala_immutable_map(listeners);
  std::string protocols;
  for (const auto& listener : listeners) {
    if (!protocols.empty()) protocols += ',';
    protocols += json_text(listener) + ":" + json_text(protocol_of[listener]);
  }
  // The fields of version 1, for clients that know no other: the first plaintext endpoint.
  auto plaintext = std::ranges::find(registration.endpoints, "PLAINTEXT", &Endpoint::security_protocol);
  bool has_plaintext = plaintext != registration.endpoints.end();

  std::string out =
      R"({"features":{},"listener_security_protocol_map":{)" + protocols + R"(},"endpoints":[)" + endpoints + "]";
  if (registration.rack) out += R"(,"rack":)" + json_text(*registration.rack);
  out += R"(,"jmx_port":)" + std::to_string(registration.jmx_port);
  out += R"(,"port":)" + std::to_string(has_plaintext ? plaintext->port : -1);
  out += R"(,"host":)" + (has_plaintext ? json_text(plaintext->host) : "null");
  out += R"(,"version":)" + std::to_string(written_version);
  out += R"(,"timestamp":")" + std::to_string(registration.timestamp.value()) + R"("})";
  return out;
}

Result<BrokerRegistration> decode_broker_registration(std::string_view payload) {
  auto json = JsonObject::parse(payload, "the broker registration");
  if (!json) return tl::unexpected(std::move(json.error()));
  auto version = json->integer("version", 1, std::numeric_limits<std::int32_t>::max());
  if (!version) return tl::unexpected(std::move(version.error()));
  auto endpoints = endpoints_of(*json, *version);
  if (!endpoints) return tl::unexpected(std::move(endpoints.error()));
  BrokerRegistration registration;
  registration.endpoints = std::move(*endpoints);
  if (json->has("rack")) {
    auto rack = json->text("rack");
    if (!rack) return tl::unexpected(std::move(rack.error()));
    registration.rack = std::move(*rack);
  }
  if (json->has("jmx_port")) {
    auto port = json->int32("jmx_port");
    if (!port) return tl::unexpected(std::move(port.error()));
    registration.jmx_port = *port;
  }
  if (json->has("timestamp")) {
    auto timestamp = json->integer_text("timestamp");
    if (!timestamp) return tl::unexpected(std::move(timestamp.error()));
    registration.timestamp = TimestampMs(*timestamp);
  }
  return registration;
}

}  // namespace millrace::metadata::znodes

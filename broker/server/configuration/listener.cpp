#include "broker/server/configuration/listener.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

namespace millrace::server {
namespace {

using ProtocolMap = std::map<std::string, SecurityProtocol, std::less<>>;

std::string upper_case(std::string_view text) {
  std::string upper(text);
  std::ranges::transform(upper, upper.begin(), [](char letter) {
    return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 32) : letter;
  });
  return upper;
}

std::string in_quotes(std::string_view text) { return "'" + std::string(text) + "'"; }

tl::unexpected<Error> refuse(std::string_view key, std::string_view value, const std::string& why) {
  return fail(ErrorKind::invalid_argument,
              "Invalid value " + in_quotes(value) + " for configuration " + std::string(key) + ": " + why);
}

std::optional<SecurityProtocol> protocol_of(std::string_view name) {
  for (auto protocol : {SecurityProtocol::plaintext, SecurityProtocol::ssl, SecurityProtocol::sasl_plaintext,
                        SecurityProtocol::sasl_ssl}) {
    if (name == to_string(protocol)) return protocol;
  }
  return std::nullopt;
}

Result<ProtocolMap> parse_protocol_map(const ConfigValues& values) {
  constexpr std::string_view key = "listener.security.protocol.map";
  ProtocolMap map;
  for (const auto& item : values.list(key)) {
    auto colon = item.rfind(':');
    if (colon == std::string::npos || colon == 0) return refuse(key, item, "allowed is NAME:PROTOCOL");
    auto protocol = protocol_of(upper_case(std::string_view(item).substr(colon + 1)));
    if (!protocol) return refuse(key, item, "the protocol must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL");
    auto name = upper_case(std::string_view(item).substr(0, colon));
    if (!map.emplace(name, *protocol).second)
      return refuse(key, item, "the listener " + name + " has a protocol already");
  }
  return map;
}

bool is_host(std::string_view host) {
  return host.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-%._:") ==
         std::string_view::npos;
}

// NAME://host:port, NAME://[v6]:port, NAME://:port.
Result<Listener> parse_listener(std::string_view key, const std::string& item, const ProtocolMap& protocols) {
  constexpr std::string_view form = "allowed is NAME://host:port, with an IPv6 address in brackets";
  auto scheme = item.find("://");
  if (scheme == std::string::npos || scheme == 0) return refuse(key, item, std::string(form));
  std::string_view address = std::string_view(item).substr(scheme + 3);
  auto colon = address.rfind(':');
  if (colon == std::string_view::npos) return refuse(key, item, std::string(form));
  auto host = address.substr(0, colon);
  auto digits = address.substr(colon + 1);
  bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (!is_host(host) || (!bracketed && host.find(':') != std::string_view::npos))
    return refuse(key, item, std::string(form));
  std::uint32_t port = 0;
  constexpr std::uint32_t last_port = 65535;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port > last_port) {
    return refuse(key, item, "the port must be a number from 0 to 65535");
  }
  Listener listener{
      upper_case(std::string_view(item).substr(0, scheme)), {}, std::string(host), static_cast<std::uint16_t>(port)};
  auto protocol = protocols.find(listener.name);
  if (protocol == protocols.end()) {
    return refuse(key, item,
                  "No security protocol defined for listener " + listener.name + " in listener.security.protocol.map");
  }
  listener.protocol = protocol->second;
  if (listener.protocol != SecurityProtocol::plaintext) {
    return refuse(key, item,
                  "the listener " + listener.name + " uses " + std::string(to_string(listener.protocol)) +
                      "; only PLAINTEXT is supported for now");
  }
  return listener;
}

bool is_address(int family, const std::string& host) {
  in6_addr parsed{};
  return inet_pton(family, host.c_str(), &parsed) == 1;
}

// Two listeners share a port only as one of IPv4 and one of IPv6 (KIP-797).
Status check_distinct(std::string_view key, std::string_view text, const std::vector<Listener>& listeners, bool ports) {
  for (auto left = listeners.begin(); left != listeners.end(); ++left) {
    for (auto right = listeners.begin(); right != left; ++right) {
      if (left->name == right->name)
        return refuse(key, text, "Each listener must have a different name; " + left->name + " stands twice");
      if (!ports || left->port == 0 || left->port != right->port) continue;
      bool both_families = (is_address(AF_INET, left->host) && is_address(AF_INET6, right->host)) ||
                           (is_address(AF_INET6, left->host) && is_address(AF_INET, right->host));
      if (!both_families) {
        return refuse(
            key, text,
            "Each listener must have a different port, unless one has an IPv4 and the other an IPv6 address; " +
                std::to_string(left->port) + " stands twice");
      }
    }
  }
  return {};
}

Result<std::vector<Listener>> parse_listeners(std::string_view key, const ConfigValues& values,
                                              const ProtocolMap& protocols) {
  std::vector<Listener> listeners;
  for (const auto& item : values.list(key)) {
    if (item.empty()) continue;
    auto listener = parse_listener(key, item, protocols);
    if (!listener) return tl::unexpected(listener.error());
    listeners.push_back(std::move(*listener));
  }
  return listeners;
}

std::string names_of(const std::vector<Listener>& listeners) {
  std::string names;
  for (const auto& listener : listeners) names += (names.empty() ? "" : ", ") + listener.name;
  return names;
}

const Listener* find(const std::vector<Listener>& listeners, std::string_view name) {
  auto at = std::ranges::find(listeners, name, &Listener::name);
  return at == listeners.end() ? nullptr : &*at;
}

Status advertise(const ConfigValues& values, const ProtocolMap& protocols, std::string_view local_host,
                 ListenerConfiguration& result) {
  constexpr std::string_view key = "advertised.listeners";
  auto text = values.string(key);
  auto given = parse_listeners(key, values, protocols);
  if (!given) return tl::unexpected(given.error());
  if (auto distinct = check_distinct(key, text, *given, false); !distinct) return distinct;
  result.advertised = given->empty() ? result.listeners : std::move(*given);
  for (auto& listener : result.advertised) {
    if (find(result.listeners, listener.name) == nullptr) {
      return refuse(
          key, text,
          "the listener " + listener.name + " is not one of listeners, which are " + names_of(result.listeners));
    }
    if (listener.host == "0.0.0.0" || listener.host == "::") {
      return fail(ErrorKind::invalid_argument,
                  "advertised.listeners cannot use the nonroutable meta-address " + listener.host +
                      ": set advertised.listeners to an address that clients can reach, such as " + listener.name +
                      "://" + std::string(local_host) + ":" + std::to_string(listener.port));
    }
    if (listener.host.empty()) listener.host = local_host;
  }
  return {};
}

Status choose_inter_broker_listener(const ConfigValues& values, ListenerConfiguration& result) {
  constexpr std::string_view key = "inter.broker.listener.name";
  auto given = values.string(key);
  if (!given.empty()) {
    if (values.is_set("security.inter.broker.protocol")) {
      return refuse(key, given, "only one of inter.broker.listener.name and security.inter.broker.protocol may be set");
    }
    result.inter_broker_name = upper_case(given);
  } else {
    // Kafka takes the protocol's name as the listener's.
    result.inter_broker_name = values.string("security.inter.broker.protocol");
  }
  if (find(result.advertised, result.inter_broker_name) == nullptr) {
    return refuse(key, given,
                  "the brokers' listener " + result.inter_broker_name +
                      " must be one of advertised.listeners, which are " + names_of(result.advertised));
  }
  return {};
}

// For the controller's requests alone (KIP-291).
Status choose_control_plane_listener(const ConfigValues& values, ListenerConfiguration& result) {
  constexpr std::string_view key = "control.plane.listener.name";
  auto given = values.string(key);
  if (given.empty()) return {};
  result.control_plane_name = upper_case(given);
  if (find(result.advertised, result.control_plane_name) == nullptr) {
    return refuse(key, given, "it must be one of advertised.listeners, which are " + names_of(result.advertised));
  }
  if (result.control_plane_name == result.inter_broker_name)
    return refuse(key, given, "it must be another one than the brokers' listener " + result.inter_broker_name);
  return {};
}

}  // namespace

std::vector<network::ListenerConfig> network_listeners(const ListenerConfiguration& configuration) {
  std::vector<network::ListenerConfig> configs;
  const auto& listeners = configuration.listeners;
  const bool has_control_plane = !configuration.control_plane_name.empty();
  for (const auto& listener : listeners) {
    network::ListenerConfig config;
    config.name = listener.name;
    config.host = listener.host;
    config.port = listener.port;
    const bool is_of_brokers = listener.name == configuration.inter_broker_name;
    const bool is_of_controller = has_control_plane && listener.name == configuration.control_plane_name;
    // With one listener beside the controller's, clients use that of the brokers.
    config.reserved = is_of_controller || (is_of_brokers && listeners.size() > (has_control_plane ? 2U : 1U));
    configs.push_back(std::move(config));
  }
  return configs;
}

std::string_view to_string(SecurityProtocol protocol) {
  switch (protocol) {
    case SecurityProtocol::plaintext:
      return "PLAINTEXT";
    case SecurityProtocol::ssl:
      return "SSL";
    case SecurityProtocol::sasl_plaintext:
      return "SASL_PLAINTEXT";
    case SecurityProtocol::sasl_ssl:
      return "SASL_SSL";
  }
  return "";
}

const Listener* ListenerConfiguration::advertised_by_name(std::string_view name) const {
  return find(advertised, name);
}

Result<ListenerConfiguration> parse_listener_configuration(const ConfigValues& values, std::string_view local_host) {
  auto protocols = parse_protocol_map(values);
  if (!protocols) return tl::unexpected(protocols.error());
  ListenerConfiguration result;
  auto listeners = parse_listeners("listeners", values, *protocols);
  if (!listeners) return tl::unexpected(listeners.error());
  result.listeners = std::move(*listeners);
  auto text = values.string("listeners");
  if (result.listeners.empty()) return refuse("listeners", text, "at least one NAME://host:port must be given");
  if (auto distinct = check_distinct("listeners", text, result.listeners, true); !distinct)
    return tl::unexpected(distinct.error());
  if (auto advertised = advertise(values, *protocols, local_host, result); !advertised)
    return tl::unexpected(advertised.error());
  if (auto chosen = choose_inter_broker_listener(values, result); !chosen) return tl::unexpected(chosen.error());
  if (auto chosen = choose_control_plane_listener(values, result); !chosen) return tl::unexpected(chosen.error());
  return result;
}

std::string local_host_name() {
  constexpr std::size_t longest = 256;
  char name[longest] = {};
  if (gethostname(name, longest - 1) != 0 || name[0] == '\0') return "localhost";
  addrinfo hints{};
  hints.ai_flags = AI_CANONNAME;
  addrinfo* found = nullptr;
  std::string canonical(name);
  if (getaddrinfo(name, nullptr, &hints, &found) == 0) {
    if (found->ai_canonname != nullptr) canonical = found->ai_canonname;
    freeaddrinfo(found);
  }
  return canonical;
}

}  // namespace millrace::server

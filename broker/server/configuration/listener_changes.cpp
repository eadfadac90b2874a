#include "broker/server/configuration/listener_changes.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "broker/server/configuration/broker_configuration.h"

namespace millrace::server {
namespace {

constexpr std::array keys =
    std::to_array<std::string_view>({"listeners", "advertised.listeners", "listener.security.protocol.map"});

bool are_listeners_alike(const ConfigValues& left, const ConfigValues& right) {
  return std::ranges::all_of(keys, [&](std::string_view key) { return left.string(key) == right.string(key); });
}

// What a listener has of its own and cannot change: keys without a row, and those of its authentication.
ConfigTexts fixed_keys(const BrokerConfigLayers& layers, const std::string& listener) {
  std::string prefix = "listener.name.";
  for (char letter : listener) prefix += letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
  prefix += '.';
  ConfigTexts found;
  for (const auto& [name, text] : layers.unlisted()) {
    if (!name.starts_with(prefix)) continue;
    auto base = std::string_view(name).substr(prefix.size());
    if (!base.starts_with("ssl.") && !base.starts_with("max.connection") && base != "num.network.threads")
      found.emplace(name, text);
  }
  return found;
}

}  // namespace

Result<ListenerConfiguration> listeners_of(const BrokerConfigLayers& layers) {
  return parse_listener_configuration(layers.values(), layers.fixed().local_host);
}

Status check_listener_change(const BrokerConfigLayers& now, const BrokerConfigLayers& next) {
  if (are_listeners_alike(now.values(), next.values())) return {};
  auto old_ones = listeners_of(now);
  if (!old_ones) return tl::unexpected(old_ones.error());
  auto new_ones = listeners_of(next);
  if (!new_ones) return tl::unexpected(new_ones.error());
  for (const auto& listener : new_ones->listeners) {
    auto standing = std::ranges::find(old_ones->listeners, listener.name, &Listener::name);
    if (standing == old_ones->listeners.end()) continue;
    if (standing->protocol != listener.protocol) {
      return fail(ErrorKind::invalid_argument,
                  "Security protocol cannot be updated for existing listener " + listener.name);
    }
    if (fixed_keys(now, listener.name) != fixed_keys(next, listener.name)) {
      return fail(ErrorKind::invalid_argument, "Configs cannot be updated dynamically for existing listener " +
                                                   listener.name +
                                                   ", restart broker or create a new listener for update");
    }
  }
  return {};
}

}  // namespace millrace::server

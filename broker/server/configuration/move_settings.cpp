#include "broker/server/configuration/move_settings.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string_view>

namespace millrace::server {

std::size_t concurrent_moves(const ConfigValues& values, std::size_t directories) {
  constexpr std::string_view key = "num.replica.alter.log.dirs.threads";
  if (!values.is_set(key)) return directories;
  return static_cast<std::size_t>(std::max<std::int64_t>(values.integer(key), 1));
}

double move_rate(const BrokerConfigLayers& layers) {
  constexpr std::string_view key = "replica.alter.log.dirs.io.max.bytes.per.second";
  constexpr double no_rate = std::numeric_limits<double>::max();
  for (const auto* texts : {&layers.of_broker(), &layers.cluster_wide()}) {
    const auto found = texts->find(key);
    if (found == texts->end()) continue;
    std::int64_t rate = 0;
    const auto& text = found->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rate);
    if (error != std::errc{}) continue;
    return rate == std::numeric_limits<std::int64_t>::max() ? no_rate : static_cast<double>(rate);
  }
  return no_rate;
}

}  // namespace millrace::server

#include "broker/server/configuration/network_settings.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <limits>
#include <string>

#include "broker/server/quota_configuration.h"

namespace millrace::server {
namespace {

// Kafka's defaults of these keys are no bounds, or smaller than what the system does by itself.
std::int64_t set_or(const ConfigValues& values, std::string_view kafka_key, std::string_view own_key) {
  return values.integer(values.is_set(kafka_key) ? kafka_key : own_key);
}

Status read_overrides(const ConfigValues& values, network::NetworkConfig& config) {
  constexpr std::string_view key = "max.connections.per.ip.overrides";
  for (const auto& item : values.list(key)) {
    if (item.empty()) continue;
    auto colon = item.rfind(':');
    std::size_t limit = 0;
    const char* end = item.data() + item.size();
    auto parsed = colon == std::string::npos ? std::from_chars_result{item.data(), std::errc::invalid_argument}
                                             : std::from_chars(item.data() + colon + 1, end, limit);
    if (parsed.ec != std::errc{} || parsed.ptr != end || colon == 0 ||
        limit > std::numeric_limits<std::int32_t>::max()) {
      return fail(ErrorKind::invalid_argument, "Invalid value '" + item + "' for configuration " + std::string(key) +
                                                   ": allowed is address:number, with commas between several");
    }
    config.max_connections_per_ip_overrides.insert_or_assign(item.substr(0, colon), limit);
  }
  return {};
}

void read_connection_rates(const ConfigValues& values, network::NetworkConfig& config) {
  auto milliseconds = [&values](std::string_view key) { return std::chrono::milliseconds(values.integer(key)); };
  // Longer than three years is for ever, and must not run over in nanoseconds.
  constexpr std::int64_t longest_ms = 100'000'000'000;
  auto idle_ms = values.integer("connections.max.idle.ms");
  config.connections_max_idle = std::chrono::milliseconds(idle_ms < 0 ? longest_ms : std::min(idle_ms, longest_ms));
  config.first_request_deadline = milliseconds("millrace.first.request.deadline.ms");
  config.min_bytes_per_second = static_cast<std::uint64_t>(values.integer("millrace.min.bytes.per.second"));
  config.pressure_min_bytes_per_second =
      static_cast<std::uint64_t>(values.integer("millrace.pressure.min.bytes.per.second"));
  config.read_progress_window = milliseconds("millrace.read.progress.window.ms");
  config.pressure_progress_window = milliseconds("millrace.pressure.progress.window.ms");
  config.write_progress_window = milliseconds("millrace.write.progress.window.ms");
}

}  // namespace

std::map<std::string, double, std::less<>> listener_connection_rates(const ConfigTexts& unlisted) {
  constexpr std::string_view prefix = "listener.name.";
  constexpr std::string_view suffix = ".max.connection.creation.rate";
  std::map<std::string, double, std::less<>> rates;
  for (const auto& [key, text] : unlisted) {
    if (!key.starts_with(prefix) || !key.ends_with(suffix) || key.size() <= prefix.size() + suffix.size()) continue;
    std::int32_t rate = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rate);
    if (error != std::errc() || end != text.data() + text.size() || rate < 1) continue;
    rates.emplace(key.substr(prefix.size(), key.size() - prefix.size() - suffix.size()), rate);
  }
  return rates;
}

Result<network::NetworkConfig> network_settings(const ConfigValues& values) {
  network::NetworkConfig config;
  auto bytes = [&values](std::string_view key) { return static_cast<std::uint64_t>(values.integer(key)); };
  config.socket_request_max_bytes = static_cast<std::uint32_t>(values.integer("socket.request.max.bytes"));
  bool queued = values.integer("queued.max.request.bytes") > 0;
  // A budget that nobody set grows with the largest request that it must hold.
  auto budget = [&values, &bytes](std::string_view key) {
    return values.is_set(key) ? bytes(key) : std::max(bytes(key), bytes("socket.request.max.bytes"));
  };
  config.queued_max_request_bytes =
      queued ? bytes("queued.max.request.bytes") : budget("millrace.request.memory.bytes");
  config.reserved_request_bytes = budget("millrace.reserved.request.bytes");
  config.request_arrays_max_bytes = bytes("millrace.request.arrays.max.bytes");
  config.unauthenticated_request_max_bytes =
      static_cast<std::uint32_t>(values.integer("millrace.unauthenticated.request.max.bytes"));
  config.unauthenticated_request_bytes = bytes("millrace.unauthenticated.request.bytes");
  config.max_in_flight_requests_per_connection = bytes("millrace.max.in.flight.requests.per.connection");
  config.output_max_bytes_per_connection = bytes("millrace.output.max.bytes.per.connection");
  config.turn_max_bytes = bytes("millrace.turn.max.bytes");
  config.max_connections = static_cast<std::size_t>(set_or(values, "max.connections", "millrace.max.connections"));
  config.max_reserved_connections = bytes("millrace.max.reserved.connections");
  config.max_connections_per_ip =
      static_cast<std::size_t>(set_or(values, "max.connections.per.ip", "millrace.max.connections.per.ip"));
  config.connection_rates = connection_rate_settings(values);
  config.max_held_connections = bytes("millrace.max.held.connections");
  config.listen_backlog =
      static_cast<int>(set_or(values, "socket.listen.backlog.size", "millrace.listen.backlog.size"));
  for (auto [key, field] :
       {std::pair{"socket.send.buffer.bytes", &network::NetworkConfig::socket_send_buffer_bytes},
        std::pair{"socket.receive.buffer.bytes", &network::NetworkConfig::socket_receive_buffer_bytes}}) {
    if (values.is_set(key)) config.*field = static_cast<int>(values.integer(key));
  }
  if (auto read = read_overrides(values, config); !read) return tl::unexpected(read.error());
  read_connection_rates(values, config);
  if (auto checked = network::check(config); !checked) return tl::unexpected(checked.error());
  return config;
}

}  // namespace millrace::server

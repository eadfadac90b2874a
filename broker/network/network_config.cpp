#include "broker/network/network_config.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace millrace::network {
namespace {

Status at_least(std::string_view key, std::uint64_t value, std::uint64_t least) {
  if (value >= least) return {};
  return fail(ErrorKind::invalid_argument,
              std::string(key) + " is " + std::to_string(value) + ", it must be at least " + std::to_string(least));
}

Status positive(std::string_view key, Duration value) {
  if (value > Duration::zero()) return {};
  return fail(ErrorKind::invalid_argument, std::string(key) + " must be more than 0");
}

bool is_host(std::string_view host) {
  return std::all_of(host.begin(), host.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_'; });
}

bool is_numeric_ipv6(std::string_view host) {
  return std::all_of(host.begin(), host.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == ':' || c == '.' || c == '%'; });
}

}  // namespace

Status check(const NetworkConfig& config) {
  constexpr std::uint32_t frame_max = 0x7fff'ffff;
  if (config.socket_request_max_bytes > frame_max) {
    return fail(ErrorKind::invalid_argument, "socket.request.max.bytes is " +
                                                 std::to_string(config.socket_request_max_bytes) +
                                                 ", it must be at most " + std::to_string(frame_max));
  }
  Status results[] = {
      at_least("socket.request.max.bytes", config.socket_request_max_bytes, 1),
      at_least("queued.max.request.bytes", config.queued_max_request_bytes, config.socket_request_max_bytes),
      at_least("millrace.reserved.request.bytes", config.reserved_request_bytes, config.socket_request_max_bytes),
      at_least("millrace.unauthenticated.request.max.bytes", config.unauthenticated_request_max_bytes, 1),
      at_least("millrace.unauthenticated.request.bytes", config.unauthenticated_request_bytes,
               config.unauthenticated_request_max_bytes),
      at_least("millrace.max.in.flight.requests.per.connection", config.max_in_flight_requests_per_connection, 1),
      at_least("millrace.output.max.bytes.per.connection", config.output_max_bytes_per_connection, 1),
      at_least("max.connections", config.max_connections, 1),
      at_least("millrace.turn.max.bytes", config.turn_max_bytes, 1),
      positive("connections.max.idle.ms", config.connections_max_idle),
      positive("millrace.first.request.deadline.ms", config.first_request_deadline),
      positive("millrace.read.progress.window.ms", config.read_progress_window),
      positive("millrace.write.progress.window.ms", config.write_progress_window),
  };
  for (auto& result : results) {
    if (!result) return std::move(result);
  }
  return {};
}

Result<ListenerConfig> parse_listener(std::string_view text) {
  auto wrong = [&](std::string_view what) {
    return fail(ErrorKind::invalid_argument,
                "listener '" + std::string(text) + "' " + std::string(what) + ", it must look like NAME://host:port");
  };
  auto scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos || scheme_end == 0) return wrong("has no name");
  auto address = text.substr(scheme_end + 3);
  auto colon = address.rfind(':');
  if (colon == std::string_view::npos) return wrong("has no port");
  auto host = address.substr(0, colon);
  auto port_text = address.substr(colon + 1);

  ListenerConfig listener;
  listener.name = text.substr(0, scheme_end);
  auto [end, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), listener.port);
  if (error != std::errc{} || end != port_text.data() + port_text.size())
    return wrong("has a port that is not 0 to 65535");
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (!is_numeric_ipv6(host)) return wrong("has no IPv6 address between its brackets");
  } else if (!is_host(host)) {
    return wrong("has a host that is neither a name nor an address");
  }
  listener.host = host;
  return listener;
}

}  // namespace millrace::network

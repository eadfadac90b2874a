// The bounds of the network layer, with Kafka's names where Kafka has one. Kafka leaves many of them unlimited; here
// every one has an end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "broker/base/clock.h"
#include "broker/base/result.h"
#include "broker/security/connection_rates.h"

namespace millrace::network {

struct NetworkConfig {
  // Frames.
  std::uint32_t socket_request_max_bytes = 104'857'600;
  std::uint64_t queued_max_request_bytes = 134'217'728;  // request bytes in flight; at least socket_request_max_bytes
  std::uint64_t reserved_request_bytes = 134'217'728;    // the same for reserved (inter-broker, controller) listeners
  std::uint64_t request_arrays_max_bytes = 67'108'864;   // of one request once it is decoded
  std::uint32_t unauthenticated_request_max_bytes =
      65'536;  // one frame before authentication, where a listener asks for it
  std::uint64_t unauthenticated_request_bytes = 8'388'608;  // all of them together
  std::size_t max_in_flight_requests_per_connection = 16;   // read from one connection and not yet answered
  std::uint64_t output_max_bytes_per_connection =
      1'048'576;  // no further request is read while more is waiting to be sent

  // Connections.
  std::size_t max_connections = 16'384;
  std::size_t max_reserved_connections = 1'024;  // of reserved listeners, counted apart
  std::size_t max_connections_per_ip = 8'192;
  std::map<std::string, std::size_t, std::less<>> max_connections_per_ip_overrides;  // by address, such as "127.0.0.1"
  // How often they may be made. Who meets the rate of an address is held for a moment before it is refused: so many
  // at once.
  security::ConnectionRateSettings connection_rates{};
  std::size_t max_held_connections = 256;
  int listen_backlog = 511;           // socket.listen.backlog.size is 50 there
  int socket_send_buffer_bytes = -1;  // -1: the system's choice
  int socket_receive_buffer_bytes = -1;

  // Time.
  Duration connections_max_idle = std::chrono::minutes(10);
  Duration first_request_deadline = std::chrono::seconds(10);
  // A frame that has begun, and an answer that waits for its reader, must move this many bytes in each window, or end
  // in it. The window for output is long: a consumer without a group reads its socket only when the application
  // polls.
  std::uint64_t min_bytes_per_second = 1'024;
  // While requests wait for memory, a frame in the middle must come faster.
  std::uint64_t pressure_min_bytes_per_second = 65'536;
  Duration pressure_progress_window = std::chrono::seconds(2);
  Duration read_progress_window = std::chrono::seconds(10);
  Duration write_progress_window = std::chrono::minutes(10);

  // Fairness: what one connection may move before the others of its shard have their turn.
  std::uint64_t turn_max_bytes = 1'048'576;
};

// invalid_argument names the key, its value and what is allowed.
Status check(const NetworkConfig& config);

struct ListenerConfig {
  std::string name;
  std::string host;            // empty: all addresses, IPv4 and IPv6
  std::uint16_t port = 0;      // 0: the system chooses
  bool reserved = false;       // inter-broker or controller: memory and connections are counted apart from the clients'
  bool authenticates = false;  // connections begin unauthenticated and with small frames
};

// "NAME://host:port"; the host may be empty, a name, an IPv4 address or an IPv6 address in brackets.
Result<ListenerConfig> parse_listener(std::string_view text);

}  // namespace millrace::network

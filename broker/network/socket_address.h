// Addresses of sockets as people write them, and the sockets that listeners are made of. Blocks in name resolution: not for
// shards.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "broker/base/result.h"
#include "broker/network/network_config.h"
#include "broker/network/unique_fd.h"

namespace millrace::network {

struct SocketAddress {
  std::string host;  // numeric; an IPv4 address that came through an IPv6 socket is written as IPv4
  std::uint16_t port = 0;
};

SocketAddress to_address(const sockaddr_storage& from);
// "10.0.0.7:9092", "[::1]:9092"
std::string to_string(const SocketAddress& address);

SocketAddress local_address(int socket);

// A socket bound to the listener's address, not yet listening. No host: all addresses of IPv6 and IPv4 where the system has
// IPv6, else of IPv4. The error names the listener, the address and the reason.
Result<UniqueFd> bind_listener(const ListenerConfig& listener, const NetworkConfig& config);
Status listen_on(int socket, const ListenerConfig& listener, const NetworkConfig& config);

}  // namespace millrace::network

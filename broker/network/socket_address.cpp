#include "broker/network/socket_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <vector>

namespace millrace::network {
namespace {

struct Bindable {
  sockaddr_storage address{};
  socklen_t size = 0;
};

Bindable any_address(int family, std::uint16_t port) {
  Bindable any;
  if (family == AF_INET6) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_any;
    address.sin6_port = htons(port);
    std::memcpy(&any.address, &address, any.size = sizeof address);
  } else {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    address.sin_port = htons(port);
    std::memcpy(&any.address, &address, any.size = sizeof address);
  }
  return any;
}

std::string written(const ListenerConfig& listener) {
  bool brackets = listener.host.find(':') != std::string::npos;
  return listener.name + "://" + (brackets ? "[" + listener.host + "]" : listener.host) + ":" +
         std::to_string(listener.port);
}

tl::unexpected<Error> cannot_listen(const ListenerConfig& listener, int error) {
  auto words = std::system_category().message(error);
  auto begin = "cannot listen on " + written(listener) + ": ";
  switch (error) {
    case EADDRINUSE:
      return fail(ErrorKind::conflict,
                  begin + "port " + std::to_string(listener.port) + " is in use by another process (" + words + ")");
    case EACCES:
      return fail(ErrorKind::permission_denied,
                  begin + "this user may not use port " + std::to_string(listener.port) + " (" + words + ")");
    case EADDRNOTAVAIL:
      return fail(ErrorKind::invalid_argument, begin + "this machine does not have that address (" + words + ")");
    case EMFILE:
    case ENFILE:
      return fail(ErrorKind::resource_exhausted, begin + words);
    default:
      return fail(ErrorKind::io, begin + words);
  }
}

// IPv4 first, as Java resolves names: "localhost" is 127.0.0.1.
Result<std::vector<Bindable>> resolve(const ListenerConfig& listener) {
  if (listener.host.empty())
    return std::vector{any_address(AF_INET6, listener.port), any_address(AF_INET, listener.port)};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const auto port = std::to_string(listener.port);
  int error = ::getaddrinfo(listener.host.c_str(), port.c_str(), &hints, &found);
  // A machine without /etc/hosts has it too (RFC 6761, section 6.3).
  if (error != 0 && listener.host == "localhost") error = ::getaddrinfo("127.0.0.1", port.c_str(), &hints, &found);
  if (error != 0) {
    return fail(ErrorKind::invalid_argument,
                "cannot listen on " + written(listener) + ": the host is unknown (" + ::gai_strerror(error) + ")");
  }
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  std::vector<Bindable> addresses;
  for (int family : {AF_INET, AF_INET6}) {
    for (const auto* entry = found; entry != nullptr; entry = entry->ai_next) {
      if (entry->ai_family != family) continue;
      Bindable address;
      std::memcpy(&address.address, entry->ai_addr, entry->ai_addrlen);
      address.size = entry->ai_addrlen;
      addresses.push_back(address);
    }
  }
  if (addresses.empty())
    return fail(ErrorKind::invalid_argument, "cannot listen on " + written(listener) + ": the host has no address");
  return addresses;
}

void set_option(int socket, int level, int option, int value) {
  ::setsockopt(socket, level, option, &value, sizeof value);
}

// The socket, or 0 descriptors and errno.
UniqueFd try_bind(const Bindable& to, bool dual_stack, const NetworkConfig& config) {
  UniqueFd socket(::socket(to.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
  if (!socket) return socket;
  set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (to.address.ss_family == AF_INET6) set_option(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, dual_stack ? 0 : 1);
  // Connections inherit these.
  set_option(socket.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
  if (config.socket_send_buffer_bytes > 0)
    set_option(socket.get(), SOL_SOCKET, SO_SNDBUF, config.socket_send_buffer_bytes);
  if (config.socket_receive_buffer_bytes > 0)
    set_option(socket.get(), SOL_SOCKET, SO_RCVBUF, config.socket_receive_buffer_bytes);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&to.address), to.size) != 0) {
    int error = errno;
    socket.reset();
    errno = error;
  }
  return socket;
}

}  // namespace

SocketAddress to_address(const sockaddr_storage& from) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (from.ss_family == AF_INET) {
    sockaddr_in address{};
    std::memcpy(&address, &from, sizeof address);
    ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
    return {text.data(), ntohs(address.sin_port)};
  }
  if (from.ss_family != AF_INET6) return {};
  sockaddr_in6 address{};
  std::memcpy(&address, &from, sizeof address);
  if (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr)) {
    ::inet_ntop(AF_INET, &address.sin6_addr.s6_addr[12], text.data(), text.size());
  } else {
    ::inet_ntop(AF_INET6, &address.sin6_addr, text.data(), text.size());
  }
  return {text.data(), ntohs(address.sin6_port)};
}

std::string to_string(const SocketAddress& address) {
  bool brackets = address.host.find(':') != std::string::npos;
  return (brackets ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

SocketAddress local_address(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return to_address(address);
}

Result<UniqueFd> bind_listener(const ListenerConfig& listener, const NetworkConfig& config) {
  auto addresses = resolve(listener);
  if (!addresses) return tl::unexpected(addresses.error());
  int error = 0;
  for (const auto& address : *addresses) {
    if (auto socket = try_bind(address, listener.host.empty(), config)) return socket;
    error = errno;
    // Only what this machine cannot do at all makes the next address worth a try.
    if (error != EAFNOSUPPORT && error != EADDRNOTAVAIL) break;
  }
  return cannot_listen(listener, error);
}

Status listen_on(int socket, const ListenerConfig& listener, const NetworkConfig& config) {
  if (::listen(socket, config.listen_backlog) != 0) return cannot_listen(listener, errno);
  return {};
}

}  // namespace millrace::network

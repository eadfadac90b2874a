// A client that speaks bytes: sends what it is told, as slowly or wrongly as it is told, and waits for what comes, with a deadline.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "broker/base/bytes.h"
#include "broker/network/unique_fd.h"

namespace millrace::network {

constexpr auto patience = std::chrono::seconds(30);

// Waits until `holds()`; false when it never did.
template <class Condition>
bool eventually(Condition holds, std::chrono::nanoseconds timeout = patience) {
  auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

inline std::string framed(std::string_view payload) {
  std::string frame(4, '\0');
  store_big_endian(reinterpret_cast<std::uint8_t*>(frame.data()), static_cast<std::int32_t>(payload.size()));
  frame += payload;
  return frame;
}

inline std::string length_only(std::int32_t length) {
  std::string bytes(4, '\0');
  store_big_endian(reinterpret_cast<std::uint8_t*>(bytes.data()), length);
  return bytes;
}

class RawClient {
 public:
  // `receive_buffer_bytes` > 0: a small window, for slow readers.
  explicit RawClient(std::uint16_t port, int receive_buffer_bytes = 0)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (!socket_) return;
    if (receive_buffer_bytes > 0) {
      ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
    }
    int yes = 1;
    ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] int descriptor() const { return socket_.get(); }
  void close() { socket_.reset(); }
  void finish_sending() { ::shutdown(socket_.get(), SHUT_WR); }

  // False when the peer has gone.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      auto count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  bool send_frame(std::string_view payload) { return send(framed(payload)); }

  // Sends as much as goes without waiting.
  std::size_t send_some(std::string_view bytes) {
    auto count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return count < 0 ? 0 : static_cast<std::size_t>(count);
  }

  // Nothing when the peer closed or time ran out before all had come.
  std::optional<std::string> receive(std::size_t bytes) {
    std::string received(bytes, '\0');
    std::size_t have = 0;
    while (have < bytes) {
      if (!readable(patience)) return std::nullopt;
      auto count = ::recv(socket_.get(), received.data() + have, bytes - have, 0);
      if (count <= 0) return std::nullopt;
      have += static_cast<std::size_t>(count);
    }
    return received;
  }

  std::optional<std::string> receive_frame() {
    auto length = receive(4);
    if (!length) return std::nullopt;
    return receive(
        static_cast<std::size_t>(load_big_endian<std::int32_t>(reinterpret_cast<const std::uint8_t*>(length->data()))));
  }

  // Whether the peer closes, whatever it sends before.
  bool is_closed_by_peer(std::chrono::milliseconds timeout = patience) {
    auto deadline = std::chrono::steady_clock::now() + timeout;
    char unused[4096];
    for (;;) {
      auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (left.count() < 0 || !readable(left)) return false;
      auto count = ::recv(socket_.get(), unused, sizeof unused, 0);
      if (count == 0 || (count < 0 && errno != EINTR)) return true;
    }
  }

  // Whether something (bytes or the end) is there within the time.
  [[nodiscard]] bool readable(std::chrono::milliseconds timeout) const {
    pollfd wanted{socket_.get(), POLLIN, 0};
    return ::poll(&wanted, 1, static_cast<int>(timeout.count())) > 0;
  }

 private:
  UniqueFd socket_;
  bool connected_ = false;
};

}  // namespace millrace::network

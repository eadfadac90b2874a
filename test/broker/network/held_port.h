// A port of this machine that nobody listens to and that nobody else is given: the system hands out no port that is bound,
// and who asks for just this one, and allows that addresses are used again, gets it.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

#include "broker/base/check.h"
#include "broker/network/unique_fd.h"

namespace millrace::network {

class HeldPort {
 public:
  HeldPort() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    int yes = 1;
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    MILLRACE_INVARIANT(::bind(socket_.get(), generic, size) == 0, "no port is free");
    MILLRACE_INVARIANT(::getsockname(socket_.get(), generic, &size) == 0, "a bound socket has an address");
    number_ = ntohs(address.sin_port);
  }

  [[nodiscard]] std::uint16_t number() const { return number_; }

 private:
  UniqueFd socket_;
  std::uint16_t number_ = 0;
};

}  // namespace millrace::network

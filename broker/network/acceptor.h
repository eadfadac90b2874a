// Accepts the connections of one listener on one shard and hands the sockets on. Survives what accept can meet: a
// peer that has gone again, and a process out of files or memory, where it pauses (the peers wait in the system's
// queue). It pauses too where connections come faster than they may. Internal to the network layer. Owned by its shard.
#pragma once

#include <cstdint>
#include <memory>

#include "broker/base/unique_function.h"
#include "broker/network/event_loop.h"
#include "broker/network/network_context.h"
#include "broker/network/socket_address.h"
#include "broker/network/unique_fd.h"

namespace millrace::network {

class Acceptor final : public SocketWatcher, public std::enable_shared_from_this<Acceptor> {
 public:
  // Returns for how long no other connection is to be accepted.
  using Accepted = UniqueFunction<Duration(UniqueFd socket, SocketAddress peer)>;

  // `socket` listens and does not block.
  Acceptor(EventLoop& loop, std::shared_ptr<NetworkContext> context, std::string listener, UniqueFd socket,
           Accepted accepted);

  void start();
  void close();
  void on_ready(Readiness readiness) override;

 private:
  void accept_some();
  // Whether to try again at once.
  bool survive(int error);
  void accept_after(Duration delay);

  EventLoop& loop_;
  const std::shared_ptr<NetworkContext> context_;
  const std::string listener_;
  UniqueFd socket_;
  Accepted accepted_;
  bool waits_ = false;  // for a connection; otherwise a timer is set
  bool closed_ = false;
};

}  // namespace millrace::network

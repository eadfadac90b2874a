// The sockets of one shard, and which of them have become readable or writable (epoll). A socket is made known once and told of
// changes only (edge-triggered), so that a request costs no call beside those that move its bytes: who is told reads until there
// is nothing left, writes until there is no room, and remembers in between what it was told.
//
// Owned by its shard: every method is called by its thread, or before it runs.
// Source: epoll(7).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <sys/epoll.h>

#include "broker/base/clock.h"
#include "broker/base/result.h"
#include "broker/network/unique_fd.h"

namespace millrace::network {

// What may have changed since it was told last.
struct Readiness {
  bool readable = false;
  bool writable = false;
  bool ended = false;  // the peer sends nothing more: what is there is read up to its end
};

class SocketWatcher {
 public:
  virtual void on_ready(Readiness readiness) = 0;

 protected:
  ~SocketWatcher() = default;
};

class SocketPoller {
 public:
  SocketPoller() = default;
  SocketPoller(const SocketPoller&) = delete;
  SocketPoller& operator=(const SocketPoller&) = delete;

  // Before all else.
  Status open();

  // Tells `watcher`, which is not told after forget(). What is ready already it is told too. resource_exhausted: the system
  // watches no more.
  Status watch(int descriptor, SocketWatcher& watcher);
  // Before the descriptor is closed.
  void forget(int descriptor, const SocketWatcher& watcher);

  // Waits for at most `wait`, rounded up to milliseconds, for some that are ready, up to a bound; tell() tells them.
  void wait(Duration wait);
  void tell();

  // `watcher` is told, again and again, while a wait of `other` would find something.
  Status watch(SocketPoller& other, SocketWatcher& watcher);
  void forget(SocketPoller& other, const SocketWatcher& watcher) { forget(other.epoll_.get(), watcher); }

 private:
  static constexpr std::size_t told_at_once = 256;

  Status add(int descriptor, std::uint32_t events, SocketWatcher& watcher);

  UniqueFd epoll_;
  std::array<epoll_event, told_at_once> events_;
  std::size_t next_ = 0;  // of events_, to be told
  std::size_t end_ = 0;
};

}  // namespace millrace::network

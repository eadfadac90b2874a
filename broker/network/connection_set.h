// The connections of one shard: which are alive, which sleep longest, which have yet to send a request, which are in the middle
// of something. One sweep a second (finer where timeouts are short) looks at the front of these lists; no connection has a
// timer of its own. Internal to the network layer. Owned by its shard; only the counters are read elsewhere.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include <boost/intrusive/list.hpp>

#include "broker/network/connection.h"
#include "broker/network/event_loop.h"
#include "broker/network/network_context.h"

namespace millrace::network {

class ConnectionSet : public std::enable_shared_from_this<ConnectionSet> {
 public:
  ConnectionSet(EventLoop& loop, std::shared_ptr<NetworkContext> context);

  // Any thread: connections here or on their way here.
  void expect_one() { connections_.fetch_add(1, std::memory_order_relaxed); }
  [[nodiscard]] std::size_t connections() const { return connections_.load(std::memory_order_relaxed); }

  // Of the shard from here on. Takes over a socket that expect_one() announced.
  void adopt(UniqueFd socket, ConnectionInfo info, Admission admission);
  // Drains all; `gone` dies when the last one has closed.
  void drain(std::shared_ptr<void> gone);
  // Returns how many requests in work were cut off.
  std::size_t close_all();

  // From the connections.
  void touch(Connection& connection);
  void on_first_request(Connection& connection) { connection.newcomer_hook.unlink(); }
  void watch(Connection& connection);
  void remove(Connection& connection);
  [[nodiscard]] MutableBytes scratch() { return scratch_; }

  MetricsRegistry::Counter requests;
  MetricsRegistry::Counter received_bytes;
  MetricsRegistry::Counter sent_bytes;
  MetricsRegistry::Gauge open_connections;

 private:
  template <Connection::Hook Connection::* hook>
  using ListBy = boost::intrusive::list<Connection, boost::intrusive::member_hook<Connection, Connection::Hook, hook>,
                                        boost::intrusive::constant_time_size<false>>;

  void lose_one();  // of those that count: the last one lets go of gone_
  void schedule_sweep();
  void sweep();

  EventLoop& loop_;
  const std::shared_ptr<NetworkContext> context_;
  const Duration sweep_period_;
  std::vector<std::uint8_t> scratch_;
  std::unordered_map<Connection*, std::shared_ptr<Connection>> alive_;
  ListBy<&Connection::activity_hook> by_activity_;  // longest silent first
  ListBy<&Connection::newcomer_hook> newcomers_;    // oldest first
  ListBy<&Connection::watch_hook> watched_;         // in the middle of a frame or of output
  std::shared_ptr<void> gone_;
  bool draining_ = false;
  bool sweep_scheduled_ = false;
  std::atomic<std::size_t> connections_{0};
};

}  // namespace millrace::network

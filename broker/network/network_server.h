// The broker's sockets: listeners by name, and the connections that they accepted, spread over the shards.
//
// A connection lives on one shard. Every refusal (too many connections, frame too large, too slow, …) is counted in
// millrace_connections_refused_total or millrace_connections_closed_total by reason, and logged at a bounded rate.
//
// Threads: one call at a time, from a thread that is no shard; set_bounds from any thread. The handler is called on
// the shards. The server dies before the runtime.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/metrics.h"
#include "broker/base/result.h"
#include "broker/network/network_config.h"
#include "broker/network/request_handler.h"
#include "broker/network/shard_runtime.h"

namespace millrace::security {
class ConnectionRates;
}

namespace millrace::network {

class NetworkServer {
 public:
  struct BoundListener {
    std::string name;
    std::string host;    // as configured
    std::uint16_t port;  // as bound
  };

  // Checks the configuration. `handler`, `metrics` and `runtime` outlive the server.
  static Result<std::unique_ptr<NetworkServer>> create(ShardRuntime& runtime, const NetworkConfig& config,
                                                       RequestHandler& handler, MetricsRegistry& metrics);
  ~NetworkServer();  // stop() without patience
  NetworkServer(const NetworkServer&) = delete;
  NetworkServer& operator=(const NetworkServer&) = delete;

  // Binds, so that a port in use is known before recovery begins; clients are refused by the system until start().
  // After start() a new listener serves at once. Returns the port. The error names listener, address and the system's
  // word.
  Result<std::uint16_t> add_listener(const ListenerConfig& config);
  // Closes the listener's socket; its connections stay. not_found names the listener.
  Status remove_listener(std::string_view name);
  // The bounds on numbers and rates of connections from now on; all others stay those of create().
  void set_bounds(const NetworkConfig& config);
  // How often connections may be made; changes hold at once. Any thread.
  [[nodiscard]] security::ConnectionRates& connection_rates();
  // Listens and accepts on all listeners.
  Status start();

  [[nodiscard]] std::vector<BoundListener> listeners() const;
  [[nodiscard]] std::size_t connections() const;

  // Closes the listeners, lets the requests in work be answered for at most `patience`, then closes all connections.
  // True when no request was cut off. A second call does nothing.
  bool stop(Duration patience);

 private:
  struct State;
  explicit NetworkServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace millrace::network

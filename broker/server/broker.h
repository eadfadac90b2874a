// A whole broker: from configuration to serving, and back down in the order that loses nothing.
//
// Start: bind the listeners, lock the log directories, open the metadata store, found or join the cluster, register,
// become controller, load and recover the logs, lead, accept. Stop: refuse new requests, answer those in work, end the
// session, stop the shards, flush and mark the logs as cleanly closed.
//
// Threads: start, stop and the destructor from one thread that is no shard; the probes from any.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/metrics.h"
#include "broker/base/result.h"
#include "broker/base/types.h"

namespace millrace::server {

struct BrokerConfiguration;

// What the outside may ask at any time, before the start is over too. Any thread.
class BrokerHealth {
 public:
  virtual ~BrokerHealth() = default;
  // False only when an event loop is stuck: never for the disk, the metadata store or recovery.
  [[nodiscard]] virtual bool is_alive() const = 0;
  // Registered and serving; else the reason in words.
  [[nodiscard]] virtual Status readiness() const = 0;
};

struct ServingListener {
  std::string name;
  std::string address;  // advertised host:port
};

class Broker {
 public:
  // `configuration` and `metrics` outlive the broker.
  Broker(const BrokerConfiguration& configuration, MetricsRegistry& metrics);
  ~Broker();  // stops
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  // Before start. What to do when the last log directory has failed: there is nothing left to serve, nor to close. On
  // the thread that met it; it is to end the process.
  void on_all_directories_offline(std::function<void(const std::string& why)> end);

  // Blocks until it serves. On an error everything that was opened is closed again; the message is one line for people.
  // `about_to_serve` runs on the caller's thread before the first client is answered: from there on a stop has somebody to
  // let go.
  Status start(const std::function<void()>& about_to_serve = [] {});
  // Instead of start: begins as a broker does, but serves nobody, and makes classic groups, which Kafka 3.9 can load, of those of the protocol
  // of KIP-848: their offsets stay, their members have to join anew. Blocks; returns how many there were. To be stopped.
  Result<std::size_t> convert_groups_to_classic();
  // Blocks. A second call does nothing. An error: the logs were not closed cleanly and will be recovered at the next
  // start.
  Status stop();

  [[nodiscard]] const BrokerHealth& health() const;
  // After start.
  [[nodiscard]] BrokerId broker_id() const;
  [[nodiscard]] const std::string& cluster_id() const;
  [[nodiscard]] const std::vector<ServingListener>& listeners() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace::server

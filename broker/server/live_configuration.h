// Carries changes of the broker's configuration into the parts that work by it: bounds of the network, listeners, the
// defaults that topics inherit. What a part can take only at a start it takes at the next one.
//
// Threads: bind, start and stop from one thread that is no shard; changes are heard on the shards, and listeners are
// opened and closed on the blocking pool, one change at a time. A listener that keeps its name keeps its socket until
// the next start, as in Kafka. Source: kafka.server.DynamicBrokerConfig and its BrokerReconfigurables.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/base/result.h"
#include "broker/base/shard.h"
#include "broker/metadata/cluster_image.h"
#include "broker/server/configuration/current_configuration.h"
#include "broker/server/configuration/listener.h"

namespace millrace::network {
class NetworkServer;
}
namespace millrace::replication {
class ReplicaManager;
}

namespace millrace::server {

class LiveConfiguration {
 public:
  // Called on the metadata shard with what the broker's registration shall say.
  using Advertise = std::function<void(std::vector<metadata::Endpoint>)>;

  // All of them outlive the object; it outlives the shards' work.
  LiveConfiguration(CurrentConfiguration& current, network::NetworkServer& network, ShardGroup& shards,
                    Shard& metadata_shard);
  ~LiveConfiguration();
  LiveConfiguration(const LiveConfiguration&) = delete;
  LiveConfiguration& operator=(const LiveConfiguration&) = delete;

  // Before anything is served: the sockets and bounds of these values, instead of those of an earlier call.
  Status bind(const BrokerConfigLayers& layers);
  // The listeners that are bound, as they are advertised: a port that the system chose is told as what it is.
  [[nodiscard]] std::vector<metadata::Endpoint> endpoints() const;

  // Follows every change from now on, what came since bind() first. Once.
  void start(replication::ReplicaManager& replicas, Advertise advertise);
  // Nothing is opened, closed or advertised after it.
  void stop();

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace millrace::server

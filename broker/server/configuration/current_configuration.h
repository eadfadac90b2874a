// The broker's configuration as it is now: server.properties, and over it what was set at run time, which the
// cluster's image brings (Kafka: DynamicBrokerConfig.updateBrokerConfig, updateDefaultConfig). Each shard has its own
// pointer and changes it with its image.
//
// Owned by the broker; of() and subscribe() from the shard's own tasks. The pointer may be kept, also across a
// suspension.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "broker/base/shard.h"
#include "broker/base/types.h"
#include "broker/metadata/cluster_image.h"
#include "broker/server/configuration/broker_config_layers.h"

namespace millrace::metadata {
class MetadataCache;
}

namespace millrace::server {

class CurrentConfiguration {
 public:
  using Layers = std::shared_ptr<const BrokerConfigLayers>;
  // Called on the shard after it has changed.
  using Subscriber =
      std::function<void(const Layers& before, const Layers& after, const metadata::ClusterImage& image)>;

  // `fixed` and `shards` outlive it.
  CurrentConfiguration(const BrokerConfiguration& fixed, ShardGroup& shards);

  // What is known before there is an image: read at the start. Before follow().
  void begin_with(const Layers& layers);
  // Once, before the first image is published and before others subscribe who read this.
  void follow(metadata::MetadataCache& cache, BrokerId self);
  void subscribe(ShardId shard, Subscriber subscriber);

  [[nodiscard]] const Layers& of(ShardId shard) const { return slots_[shard].layers; }

 private:
  struct Slot {
    Layers layers;
    std::vector<Subscriber> subscribers;
  };

  void update(Slot& slot, BrokerId self, const metadata::ClusterImage& before, const metadata::ClusterImage& after);

  const BrokerConfiguration& fixed_;
  std::vector<Slot> slots_;  // by shard; none is added later
};

}  // namespace millrace::server

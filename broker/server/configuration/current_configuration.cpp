#include "broker/server/configuration/current_configuration.h"

#include <utility>

#include "broker/metadata/metadata_cache.h"

namespace millrace::server {

CurrentConfiguration::CurrentConfiguration(const BrokerConfiguration& fixed, ShardGroup& shards)
    : fixed_(fixed), slots_(shards.size()) {
  begin_with(std::make_shared<const BrokerConfigLayers>(fixed));
}

void CurrentConfiguration::begin_with(const Layers& layers) {
  for (auto& slot : slots_) slot.layers = layers;
}

void CurrentConfiguration::follow(metadata::MetadataCache& cache, BrokerId self) {
  for (ShardId id = 0; id < slots_.size(); ++id) {
    cache.subscribe(
        id, [this, id, self](const auto& before, const auto& after) { update(slots_[id], self, *before, *after); });
  }
}

void CurrentConfiguration::subscribe(ShardId shard, Subscriber subscriber) {
  slots_[shard].subscribers.push_back(std::move(subscriber));
}

void CurrentConfiguration::update(Slot& slot, BrokerId self, const metadata::ClusterImage& before,
                                  const metadata::ClusterImage& after) {
  // An image shares the configurations that did not change; the first has no predecessor that says what was begun with.
  const bool first = before.sequence() == 0;
  auto all = after.all_brokers_config();
  auto own = after.broker_config(self);
  if (!first && all == before.all_brokers_config() && own == before.broker_config(self)) return;
  auto old = std::exchange(slot.layers, std::make_shared<const BrokerConfigLayers>(fixed_, *all, *own));
  for (std::size_t i = 0; i < slot.subscribers.size(); ++i) slot.subscribers[i](old, slot.layers, after);
}

}  // namespace millrace::server

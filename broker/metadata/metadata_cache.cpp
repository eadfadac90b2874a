#include "broker/metadata/metadata_cache.h"

#include <atomic>
#include <utility>

#include "broker/base/check.h"

namespace millrace::metadata {

struct MetadataCache::Slot {
  ImagePointer image = std::make_shared<const ClusterImage>();
  std::vector<Subscriber> subscribers;
};

namespace {

// Counts the shards that have an image; the last one sends the publisher its word.
struct Delivery {
  Delivery(std::size_t shards, Shard& to, Job job) : missing(shards), publisher(to), delivered(std::move(job)) {}

  std::atomic<std::size_t> missing;
  Shard& publisher;
  Job delivered;
};

}  // namespace

MetadataCache::MetadataCache(ShardGroup& shards) : shards_(shards) {
  for (std::size_t index = 0; index < shards.size(); ++index) slots_.push_back(std::make_unique<Slot>());
}
MetadataCache::~MetadataCache() = default;

const MetadataCache::ImagePointer& MetadataCache::image(ShardId shard) const { return slots_[shard]->image; }

void MetadataCache::subscribe(ShardId shard, Subscriber subscriber) {
  slots_[shard]->subscribers.push_back(std::move(subscriber));
}

void MetadataCache::publish(const ImagePointer& next, Shard& publisher, Job delivered) {
  MILLRACE_INVARIANT(next != nullptr, "a null image was published");
  auto delivery = std::make_shared<Delivery>(slots_.size(), publisher, std::move(delivered));
  for (std::size_t index = 0; index < slots_.size(); ++index) {
    shards_.at(static_cast<ShardId>(index)).post([slot = slots_[index].get(), next, delivery] {
      auto before = std::exchange(slot->image, next);
      // A subscriber may subscribe another one.
      for (std::size_t subscriber = 0; subscriber < slot->subscribers.size(); ++subscriber) {
        slot->subscribers[subscriber](before, next);
      }
      if (delivery->missing.fetch_sub(1, std::memory_order_acq_rel) == 1 && delivery->delivered) {
        delivery->publisher.post(std::move(delivery->delivered));
      }
    });
  }
}

}  // namespace millrace::metadata

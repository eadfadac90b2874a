// Every shard's pointer to the cluster's current image. One shard publishes; each shard gets the images in the order of
// publication, reads its own slot and is told what changed. No locks: a slot is touched by tasks of its shard only.
#pragma once

#include <memory>
#include <vector>

#include "broker/base/shard.h"
#include "broker/base/unique_function.h"
#include "broker/metadata/cluster_image.h"

namespace millrace::metadata {

class MetadataCache {
 public:
  using ImagePointer = std::shared_ptr<const ClusterImage>;
  // Called on the subscriber's shard after its slot was changed. Neither is null.
  using Subscriber = UniqueFunction<void(const ImagePointer& before, const ImagePointer& after)>;

  // The shards outlive the cache; the cache is destroyed when they have stopped.
  explicit MetadataCache(ShardGroup& shards);
  MetadataCache(const MetadataCache&) = delete;
  MetadataCache& operator=(const MetadataCache&) = delete;
  ~MetadataCache();

  // The image as `shard` sees it, never null (empty before the first). Only from that shard's tasks.
  [[nodiscard]] const ImagePointer& image(ShardId shard) const;

  // Only from that shard's tasks or before the shards run. Subscribers stay for ever; they are called in the order of
  // subscription.
  void subscribe(ShardId shard, Subscriber subscriber);

  // Hands `next` to every shard, the caller's own included, by post. `delivered` runs on `publisher` when every shard
  // has it and its subscribers have run: the moment to tell a client that its topic exists. One shard publishes.
  void publish(const ImagePointer& next, Shard& publisher, Job delivered = {});

 private:
  struct Slot;

  ShardGroup& shards_;
  std::vector<std::unique_ptr<Slot>> slots_;
};

}  // namespace millrace::metadata

// Waiting for the cluster's image to show something: a topic that was just created, one that was deleted.
// Each shard has its own list; a wait belongs to the shard that asked.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "broker/base/shard.h"
#include "broker/base/task.h"
#include "broker/metadata/metadata_cache.h"

namespace millrace::server {

class ImageWaits {
 public:
  using Condition = std::function<bool(const metadata::ClusterImage&)>;

  // Subscribes on every shard; before the shards see an image. `cache` and `shards` outlive it.
  ImageWaits(metadata::MetadataCache& cache, ShardGroup& shards);

  // True when the image of `home` meets the condition, now or within `timeout`. Only from home's tasks.
  Task<bool> until(Shard& home, Condition condition, Duration timeout);

  // No image comes any more: who waits is told so, and who comes later too. From home's tasks.
  void end(Shard& home);

 private:
  struct Wait {
    Condition condition;
    UniqueFunction<void(bool)> done;
    Shard::TimerId timer = 0;
  };
  struct Waits {
    std::vector<std::shared_ptr<Wait>> waiting;
    bool are_over = false;
  };

  metadata::MetadataCache& cache_;
  std::vector<std::unique_ptr<Waits>> waits_;  // by shard
};

}  // namespace millrace::server

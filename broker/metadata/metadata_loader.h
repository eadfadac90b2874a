// Reads the cluster's image from the store and keeps it current by watches: how topics come to life after a start,
// for the one broker of an embedded store. (A controller's UpdateMetadata feeds the same cache instead where there
// are several brokers.)
//
// Reads: /cluster/id, /controller, /brokers/ids with the marks of brokers that are Millrace, /brokers/topics with every partition's state, /config by entity,
// then by the notifications in /config/changes. A partition without a state has no leader; a payload that cannot be
// read is reported and leaves what was known. Each image is published when nothing more is on its way, or a bounded
// time after the change. A lost connection is asked again. After an expired session everything is read anew, in the
// next session that somebody opens; what was known stays published meanwhile.
//
// Belongs to the store's shard. Source: kafka.controller.KafkaController (its context and handlers),
// kafka.common.ZkNodeChangeNotificationListener, kafka.server.ZkConfigManager.
#pragma once

#include <functional>
#include <memory>

#include "broker/base/result.h"
#include "broker/metadata/cluster_image.h"
#include "broker/metadata/metadata_store.h"

namespace millrace::metadata {

class MetadataCache;

class MetadataLoader {
 public:
  // Gets each image as it is made; `delivered` is called on the shard when whoever needs it has it.
  using Publish = std::function<void(std::shared_ptr<const ClusterImage> image, UniqueFunction<void()> delivered)>;

  // The store, and the cache, outlive the object.
  MetadataLoader(MetadataStore& store, MetadataCache& cache);
  MetadataLoader(MetadataStore& store, Publish publish);
  MetadataLoader(const MetadataLoader&) = delete;
  MetadataLoader& operator=(const MetadataLoader&) = delete;
  ~MetadataLoader();

  // Once, with a session open or being opened. Answers when the first image is delivered to every shard; with
  // unavailable when the loader is destroyed before.
  void start(Reply<void> loaded);

 private:
  class State;

  std::shared_ptr<State> state_;
};

}  // namespace millrace::metadata

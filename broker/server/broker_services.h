// What handlers work with: the parts of a running broker, assembled by broker.h. All of them outlive every request.
#pragma once

#include <string>

#include "broker/base/types.h"

namespace millrace {
class Random;
class Shard;
class ShardGroup;
namespace controller {
class TopicCommands;
}
namespace metadata {
class MetadataCache;
class ProducerIdBlocks;
}  // namespace metadata
namespace replication {
class ReplicaManager;
}
}  // namespace millrace

namespace millrace::server {

class BrokerConfigLayers;
struct BrokerConfiguration;
class ImageWaits;
class WaitingFetches;

struct BrokerServices {
  const BrokerConfiguration& configuration;
  const BrokerConfigLayers& configuration_layers;
  BrokerId broker_id;
  std::string cluster_id;
  ShardGroup& shards;
  metadata::MetadataCache& cache;
  ImageWaits& image_waits;
  replication::ReplicaManager& replicas;
  // Owned by metadata_shard: called in its tasks only, and answered there.
  Shard& metadata_shard;
  controller::TopicCommands& topic_commands;
  metadata::ProducerIdBlocks& producer_ids;
  Random& random;  // any thread
  WaitingFetches& waiting_fetches;
};

}  // namespace millrace::server

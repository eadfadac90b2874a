// What handlers work with: the parts of a running broker, assembled by broker.h. All of them outlive every request.
#pragma once

#include <memory>
#include <string>

#include "broker/base/types.h"

namespace millrace {
class Random;
class Shard;
class ShardGroup;
namespace controller {
class ConfigCommands;
class TopicCommands;
}  // namespace controller
namespace log {
class LogManager;
}
namespace metadata {
class MetadataCache;
class ProducerIdBlocks;
class ZnodeOffsets;
}  // namespace metadata
namespace protocol {
class ConversionBounds;
}
namespace replication {
class ReplicaManager;
}
namespace security {
class ClientQuotas;
}
}  // namespace millrace

namespace millrace::server {

struct BrokerConfiguration;
class Coordinators;
class CurrentConfiguration;
class FetchSessions;
class ImageWaits;
class WaitingFetches;

struct BrokerServices {
  const BrokerConfiguration& configuration;
  // server.properties with what was set at run time over it. What may change is read here, on the asking shard.
  const CurrentConfiguration& current_configuration;
  BrokerId broker_id;
  std::string cluster_id;
  ShardGroup& shards;
  metadata::MetadataCache& cache;
  ImageWaits& image_waits;
  replication::ReplicaManager& replicas;
  // Owned by metadata_shard: called in its tasks only, and answered there.
  Shard& metadata_shard;
  controller::TopicCommands& topic_commands;
  controller::ConfigCommands& config_commands;
  metadata::ProducerIdBlocks& producer_ids;
  metadata::ZnodeOffsets& znode_offsets;
  Random& random;  // any thread
  WaitingFetches& waiting_fetches;
  log::LogManager& logs;
  security::ClientQuotas& quotas;  // any thread
  FetchSessions& fetch_sessions;
  std::shared_ptr<protocol::ConversionBounds> conversions;  // any thread
  Coordinators& coordinators;
};

}  // namespace millrace::server

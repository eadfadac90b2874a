// Joining a cluster: whose data this is, which id the broker has, and its registration below /brokers/ids
// (Kafka: KafkaServer.getOrGenerateClusterId, getOrGenerateBrokerId, KafkaZkClient.registerBroker).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "broker/base/result.h"
#include "broker/base/task.h"
#include "broker/base/types.h"
#include "broker/metadata/cluster_image.h"
#include "broker/metadata/metadata_store.h"

namespace millrace {
class Random;
}

namespace millrace::server {

struct Registration {
  BrokerId id = BrokerId::none();
  BrokerEpoch epoch = BrokerEpoch::none();
  std::vector<metadata::Endpoint> endpoints;
};

struct JoinRequest {
  std::string stored_cluster_id;                 // in the log directories; empty for new ones
  std::string wanted_cluster_id;                 // millrace.cluster.id; empty: any
  BrokerId stored_broker_id = BrokerId::none();  // in the log directories
  BrokerId wanted_broker_id = BrokerId::none();  // broker.id; none: the stored one, or a generated one
  BrokerId first_generated_broker_id{1001};      // reserved.broker.max.id + 1
  std::vector<metadata::Endpoint> endpoints;     // advertised
  std::optional<std::string> rack;
  TimestampMs now;
};

struct Joined {
  std::string cluster_id;
  Registration registration;
};

// On the store's shard. Errors: conflict when the directories, the configuration and the store do not name one cluster and one broker;
// the message has both names.
Task<Result<Joined>> join_cluster(metadata::MetadataStore& store, Random& random, JoinRequest request);

}  // namespace millrace::server

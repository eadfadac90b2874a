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
#include "broker/metadata/znodes/broker_registration.h"

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
};

struct Identity {
  std::string cluster_id;
  BrokerId broker_id = BrokerId::none();
};

// All of them on the store's shard.

// Founds the cluster where there is none. Errors: conflict when the directories, the configuration and the store do
// not name one cluster and one broker; the message has both names.
Task<Result<Identity>> identify(metadata::MetadataStore& store, Random& random, JoinRequest request);

// What was set for this broker and for all brokers before this start.
struct StoredBrokerConfigs {
  metadata::ConfigMap all_brokers;
  metadata::ConfigMap of_broker;
};
Task<Result<StoredBrokerConfigs>> read_broker_configs(metadata::MetadataStore& store, BrokerId id);

// How the broker is reached, as its znode says it, and that it is Millrace. conflict: another broker with this id is registered.
Task<Result<Registration>> register_broker(metadata::MetadataStore& store, BrokerId id,
                                           metadata::znodes::BrokerRegistration znode);
// The same broker with other listeners (Kafka: KafkaController.updateBrokerInfo).
Task<Status> update_registration(metadata::MetadataStore& store, BrokerId id,
                                 metadata::znodes::BrokerRegistration znode);

}  // namespace millrace::server

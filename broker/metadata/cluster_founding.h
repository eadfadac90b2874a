// The first things in an empty store: Kafka's top-level znodes and the cluster's id. Every broker does it at each start; what is there
// stays. Lost connections are waited out for half a minute, then the error is connection_loss.
// Source: KafkaZkClient.createTopLevelPaths, createOrGetClusterId; KafkaServer.startup.
#pragma once

#include <string>

#include "broker/base/result.h"
#include "broker/metadata/metadata_store.h"

namespace millrace {
class Random;
}

namespace millrace::metadata {

// Answers with the cluster's id: the one that stands in the store, else `wanted_cluster_id`, else (empty) a random one.
// On the store's shard, with an open session. `random` is used before the call returns.
void found_cluster(MetadataStore& store, Random& random, const std::string& wanted_cluster_id,
                   Reply<std::string> reply);

// Makes a persistent znode and those above it that are missing, without data. It being there is a success.
void create_path(MetadataStore& store, std::string path, Reply<void> reply);

}  // namespace millrace::metadata

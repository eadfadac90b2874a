// docs/supported-apis.md, made from the handler list: what this broker serves, beside what Kafka serves.
#pragma once

#include <span>
#include <string>

#include "broker/protocol/api_key.h"
#include "broker/protocol/versions.h"

namespace millrace::server {

// What brokers of Kafka advertise; no_versions where a release has not the API.
struct KafkaApi {
  protocol::ApiKey key;
  protocol::Versions on_zookeeper;  // Kafka 3.9, ZooKeeper mode
  protocol::Versions later;         // Kafka 4.3
};

// By ascending key. The test reads the same numbers off Kafka's own classes.
std::span<const KafkaApi> kafka_apis();

std::string supported_apis_reference();

}  // namespace millrace::server

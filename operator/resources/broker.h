// Everything that one broker's objects are made of.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "broker/base/types.h"
#include "operator/api/kafka_cluster.h"

namespace millrace::resources {

struct Broker {
  const api::KafkaCluster& cluster;
  const api::PoolSpec& pool;
  BrokerId id;
  std::string cluster_id;
  std::string image;
  const std::map<std::string, std::string>& config;  // checked (api/broker_config.h)
};

// spec.image; else the operator's own broker image, with spec.version as its tag where it is given.
[[nodiscard]] std::string broker_image(const api::KafkaClusterSpec& spec, std::string_view default_image);
// The tag of an image, or its digest where it has no tag; "latest" where it has neither.
[[nodiscard]] std::string image_version(std::string_view image);

}  // namespace millrace::resources

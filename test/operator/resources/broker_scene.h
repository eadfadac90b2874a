// A KafkaCluster and its broker 0, for tests of what is made of them.
#pragma once

#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "operator/resources/broker.h"

namespace millrace::resources {

class BrokerScene {
 public:
  explicit BrokerScene(const nlohmann::json& spec = nlohmann::json::object(), std::string name = "demo");

  [[nodiscard]] Broker broker(std::int32_t id = 0) const;

  api::KafkaCluster cluster;
  std::map<std::string, std::string> config;
};

}  // namespace millrace::resources

// What spec.config may hold: Kafka's keys with scalar values, except those that the operator sets itself and secrets.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace millrace::api {

struct BrokerConfig {
  std::map<std::string, std::string> values;  // what is left after the refused ones, as text for server.properties
  std::vector<std::string> refusals;          // a sentence each: the key, why, and what to do instead
};

[[nodiscard]] BrokerConfig check_broker_config(const nlohmann::json& config);

}  // namespace millrace::api

// status of a KafkaCluster. Lists are sorted, so that the same state always gives the same JSON, and writing happens only on a
// difference.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "broker/base/types.h"
#include "operator/status/broker_state.h"
#include "operator/status/condition.h"

namespace millrace::status {

struct BrokerStatus {
  BrokerId id;
  std::string pool;
  std::string pod;
  std::string node;
  std::vector<std::string> claims;
  std::vector<std::string> volumes;
  std::string version;
  BrokerCondition condition;
};

struct ListenerStatus {
  std::string name;
  std::string type;
  std::string bootstrap_servers;
};

struct KafkaClusterStatus {
  std::int64_t observed_generation = 0;
  std::string cluster_id;
  std::int32_t brokers_wanted = 0;
  std::vector<Condition> conditions;
  std::vector<BrokerStatus> brokers;
  std::vector<ListenerStatus> listeners;
};

[[nodiscard]] nlohmann::json to_json(const KafkaClusterStatus& status);

// The merge patch (RFC 7386) that makes `before` into `after`: null for every member that goes.
[[nodiscard]] nlohmann::json status_patch(const nlohmann::json& before, const nlohmann::json& after);

// True where every aspect is True; else the first that is not speaks for all.
[[nodiscard]] Condition ready_condition(const std::vector<Condition>& aspects, std::int32_t brokers_wanted);

inline constexpr const char* ready_type = "Ready";

}  // namespace millrace::status

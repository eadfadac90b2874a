#include "operator/status/kafka_cluster_status.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace millrace::status {

using Json = nlohmann::json;

namespace {

void put(Json& object, const char* name, const std::string& value) {
  if (!value.empty()) object[name] = value;
}

Json to_json(const BrokerStatus& broker) {
  Json json = {{"id", broker.id.value()}, {"state", to_string(broker.condition.state)}};
  put(json, "pool", broker.pool);
  put(json, "pod", broker.pod);
  put(json, "node", broker.node);
  put(json, "version", broker.version);
  put(json, "message", broker.condition.message);
  if (!broker.claims.empty()) json["claims"] = broker.claims;
  if (!broker.volumes.empty()) json["volumes"] = broker.volumes;
  return json;
}

std::string versions(const std::vector<BrokerStatus>& brokers) {
  std::set<std::string> all;
  for (const auto& broker : brokers) {
    if (!broker.version.empty()) all.insert(broker.version);
  }
  std::string text;
  for (const auto& version : all) text += (text.empty() ? "" : ",") + version;
  return text;
}

}  // namespace

Json to_json(const KafkaClusterStatus& status) {
  auto serving = std::count_if(status.brokers.begin(), status.brokers.end(), [](const BrokerStatus& broker) {
    return broker.condition.state == BrokerState::running;
  });
  Json json = {{"observedGeneration", status.observed_generation},
               {"brokersReady", std::to_string(serving) + "/" + std::to_string(status.brokers_wanted)},
               {"conditions", Json::array()},
               {"brokers", Json::array()},
               {"listeners", Json::array()}};
  put(json, "clusterId", status.cluster_id);
  put(json, "version", versions(status.brokers));
  auto conditions = status.conditions;
  std::sort(conditions.begin(), conditions.end(),
            [](const auto& left, const auto& right) { return left.type < right.type; });
  for (const auto& condition : conditions) json["conditions"].push_back(to_json(condition));
  auto brokers = status.brokers;
  std::sort(brokers.begin(), brokers.end(), [](const auto& left, const auto& right) { return left.id < right.id; });
  for (const auto& broker : brokers) json["brokers"].push_back(to_json(broker));
  for (const auto& listener : status.listeners) {
    json["listeners"].push_back(
        {{"name", listener.name}, {"type", listener.type}, {"bootstrapServers", listener.bootstrap_servers}});
  }
  return json;
}

Json status_patch(const Json& before, const Json& after) {
  Json patch = after;
  if (!before.is_object()) return patch;
  for (const auto& [name, unused] : before.items()) {
    if (!after.contains(name)) patch[name] = nullptr;
  }
  return patch;
}

Condition ready_condition(const std::vector<Condition>& aspects, std::int32_t brokers_wanted) {
  Condition ready;
  ready.type = ready_type;
  for (const auto& aspect : aspects) {
    if (aspect.status == ConditionStatus::is_true) continue;
    ready.status = ConditionStatus::is_false;
    ready.reason = aspect.reason;
    ready.message = aspect.message;
    ready.observed_generation = aspect.observed_generation;
    return ready;
  }
  ready.status = ConditionStatus::is_true;
  ready.reason = "Running";
  ready.message =
      brokers_wanted == 1 ? "the broker serves" : "all " + std::to_string(brokers_wanted) + " brokers serve";
  return ready;
}

}  // namespace millrace::status

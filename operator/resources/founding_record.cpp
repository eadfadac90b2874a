#include "operator/resources/founding_record.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "broker/base/uuid.h"
#include "operator/resources/labels.h"
#include "operator/resources/names.h"
#include "operator/resources/object_metadata.h"

namespace millrace::resources {

using Json = nlohmann::json;

namespace {

constexpr const char* cluster_id_key = "clusterId";
constexpr const char* brokers_key = "brokers";

tl::unexpected<Error> corrupt(const std::string& what) {
  return fail(ErrorKind::corrupt, "the founding record cannot be read: " + what);
}

Result<FoundingRecord::Member> parse_member(const std::string& id, const Json& json) {
  auto pool = json.find("pool");
  auto volumes = json.find("volumes");
  if (pool == json.end() || !pool->is_string() || volumes == json.end() || !volumes->is_array()) {
    return corrupt("broker " + id + " has no pool or no volumes");
  }
  FoundingRecord::Member member;
  member.pool = pool->get<std::string>();
  for (const auto& volume : *volumes) {
    if (!volume.is_string()) return corrupt("broker " + id + " has a volume that is not a name");
    member.volumes.insert(volume.get<std::string>());
  }
  return member;
}

}  // namespace

Json founding_config_map(const api::KafkaCluster& cluster, const FoundingRecord& record,
                         const std::vector<ClaimOwner>& claims) {
  Json brokers = Json::object();
  for (const auto& [id, member] : record.brokers) {
    brokers[std::to_string(id.value())] = {{"pool", member.pool}, {"volumes", member.volumes}};
  }
  Json metadata = owned_metadata(cluster, founding_record_name(cluster.name), cluster_labels(cluster.name));
  for (const auto& claim : claims) {
    metadata["ownerReferences"].push_back(
        {{"apiVersion", "v1"}, {"kind", "PersistentVolumeClaim"}, {"name", claim.name}, {"uid", claim.uid}});
  }
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", std::move(metadata)},
          {"data", {{cluster_id_key, record.cluster_id}, {brokers_key, brokers.dump()}}}};
}

Result<FoundingRecord> parse_founding_config_map(const Json& config_map) {
  const Json& data = config_map.value("data", Json::object());
  FoundingRecord record;
  auto cluster_id = data.find(cluster_id_key);
  if (cluster_id == data.end() || !cluster_id->is_string() || !Uuid::parse(cluster_id->get<std::string>())) {
    return corrupt("clusterId is missing or not an id of 22 characters");
  }
  record.cluster_id = cluster_id->get<std::string>();
  auto text = data.find(brokers_key);
  Json brokers =
      text == data.end() || !text->is_string() ? Json() : Json::parse(text->get<std::string>(), nullptr, false);
  if (!brokers.is_object()) return corrupt("brokers is missing or not an object");
  for (const auto& [key, json] : brokers.items()) {
    std::int32_t id = 0;
    auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc{} || end != key.data() + key.size() || id < 0)
      return corrupt("'" + key + "' is not a broker id");
    auto member = parse_member(key, json);
    if (!member) return tl::unexpected(member.error());
    record.brokers.emplace(BrokerId(id), std::move(*member));
  }
  return record;
}

}  // namespace millrace::resources

#include "operator/api/kafka_cluster.h"

#include <algorithm>
#include <limits>
#include <set>

#include "operator/api/field_reader.h"

namespace millrace::api {

using Json = nlohmann::json;

namespace {

std::optional<Quantity> read_quantity(const FieldReader& reader, std::string_view name) {
  auto text = reader.int_or_text(name);
  if (!text) return std::nullopt;
  auto quantity = Quantity::parse(*text);
  if (!quantity) {
    reader.mistake(name, "is wrong: " + quantity.error().message);
    return std::nullopt;
  }
  return *quantity;
}

ResourceAmounts read_amounts(const FieldReader& reader) {
  return {.cpu = read_quantity(reader, "cpu"), .memory = read_quantity(reader, "memory")};
}

PodTemplateSpec read_template(const FieldReader& reader) {
  PodTemplateSpec pod;
  pod.labels = reader.text_map("labels");
  pod.annotations = reader.text_map("annotations");
  pod.node_selector = reader.text_map("nodeSelector");
  reader.each("tolerations", [&](const FieldReader& item) {
    pod.tolerations.push_back(
        {.key = item.text("key").value_or(""),
         .operator_name = item.text("operator").value_or(""),
         .value = item.text("value").value_or(""),
         .effect = item.text("effect").value_or(""),
         .toleration_seconds = item.integer("tolerationSeconds", std::numeric_limits<std::int64_t>::min(),
                                            std::numeric_limits<std::int64_t>::max())});
  });
  return pod;
}

VolumeSpec read_volume(const FieldReader& reader) {
  VolumeSpec volume;
  volume.name = reader.text("name").value_or("data");
  if (!reader.has("size")) reader.mistake("size", "is missing");
  volume.size = read_quantity(reader, "size").value_or(Quantity{});
  volume.storage_class = reader.text("storageClass");
  return volume;
}

std::optional<IdRange> read_id_range(const FieldReader& pool) {
  if (!pool.has("idRange")) return std::nullopt;
  auto reader = pool.object("idRange");
  IdRange range;
  range.start = static_cast<std::int32_t>(reader.integer("start", 0, broker_id_max).value_or(0));
  range.end = static_cast<std::int32_t>(reader.integer("end", 0, broker_id_max).value_or(broker_id_max));
  if (range.start > range.end) pool.mistake("idRange", "starts above its end");
  return range;
}

PoolSpec read_pool(const FieldReader& reader) {
  PoolSpec pool;
  pool.name = reader.required_text("name");
  pool.replicas = static_cast<std::int32_t>(reader.integer("replicas", 1, 500).value_or(1));
  pool.id_range = read_id_range(reader);
  pool.zones = reader.texts("zones");
  auto storage = reader.object("storage");
  storage.each("volumes", [&](const FieldReader& volume) { pool.volumes.push_back(read_volume(volume)); });
  if (pool.volumes.empty()) storage.mistake("volumes", "must have at least one volume");
  pool.delete_claim = storage.boolean("deleteClaim", false);
  auto resources = reader.object("resources");
  pool.requests = read_amounts(resources.object("requests"));
  pool.limits = read_amounts(resources.object("limits"));
  pool.pod_template = read_template(reader.object("template"));
  return pool;
}

ListenerSpec read_listener(const FieldReader& reader) {
  ListenerSpec listener;
  listener.name = reader.required_text("name");
  if (reader.text("type").value_or("internal") != "internal") reader.mistake("type", "must be internal");
  listener.port = static_cast<std::int32_t>(reader.integer("port", 1024, 65535).value_or(9092));
  if (listener.port == http_port) reader.mistake("port", "is taken by the brokers' metrics and health checks");
  return listener;
}

void read_metadata(const FieldReader& reader, const KafkaClusterSpec& spec) {
  auto metadata = reader.object("metadata");
  if (!metadata.has("embedded"))
    metadata.mistake("", "must choose a store: embedded: {} is the one that this version has");
  if (spec.broker_count() != 1) {
    metadata.mistake("embedded",
                     "needs exactly one pool with replicas 1, because no other broker can read a file inside a broker");
  }
}

void check_names(const FieldReader& reader, const KafkaClusterSpec& spec) {
  std::set<std::string> pools;
  for (const auto& pool : spec.pools) {
    if (!pools.insert(pool.name).second) reader.mistake("pools", "has two pools named " + pool.name);
  }
  std::set<std::string> listeners;
  std::set<std::int32_t> ports;
  for (const auto& listener : spec.listeners) {
    if (!listeners.insert(listener.name).second)
      reader.mistake("listeners", "has two listeners named " + listener.name);
    if (!ports.insert(listener.port).second) {
      reader.mistake("listeners", "has two listeners with port " + std::to_string(listener.port));
    }
  }
}

std::string join(const std::vector<std::string>& mistakes) {
  std::string all;
  for (const auto& mistake : mistakes) all += (all.empty() ? "" : "; ") + mistake;
  return all;
}

}  // namespace

std::int32_t KafkaClusterSpec::broker_count() const {
  std::int32_t count = 0;
  for (const auto& pool : pools) count += pool.replicas;
  return count;
}

const PoolSpec* KafkaClusterSpec::find_pool(std::string_view name) const {
  auto found = std::find_if(pools.begin(), pools.end(), [&](const PoolSpec& pool) { return pool.name == name; });
  return found == pools.end() ? nullptr : &*found;
}

Result<KafkaClusterSpec> parse_kafka_cluster_spec(const Json& json) {
  std::vector<std::string> mistakes;
  FieldReader reader(json, "spec", mistakes);
  KafkaClusterSpec spec;
  spec.version = reader.text("version");
  spec.image = reader.text("image");
  if (spec.version && spec.image) reader.mistake("version", "and spec.image exclude each other");
  spec.image_pull_policy = reader.text("imagePullPolicy").value_or("IfNotPresent");
  reader.each("imagePullSecrets",
              [&](const FieldReader& item) { spec.image_pull_secrets.push_back(item.required_text("name")); });
  reader.each("pools", [&](const FieldReader& pool) { spec.pools.push_back(read_pool(pool)); });
  read_metadata(reader, spec);
  reader.each("listeners", [&](const FieldReader& listener) { spec.listeners.push_back(read_listener(listener)); });
  if (spec.listeners.empty()) spec.listeners.push_back({.name = "internal"});
  spec.config = reader.object("config").json();
  auto rollout = reader.object("rollout");
  spec.rollout = {.paused = rollout.boolean("paused", false), .restarted_at = rollout.text("restartedAt").value_or("")};
  spec.priority_class_name = reader.text("priorityClassName").value_or("");
  spec.cluster_domain = reader.text("clusterDomain").value_or("cluster.local");
  spec.paused = reader.boolean("paused", false);
  check_names(reader, spec);
  if (!mistakes.empty()) return fail(ErrorKind::invalid_argument, join(mistakes));
  return spec;
}

Result<KafkaCluster> parse_kafka_cluster(const Json& object) {
  std::vector<std::string> mistakes;
  FieldReader reader(object, "", mistakes);
  auto metadata = reader.object("metadata");
  KafkaCluster cluster;
  cluster.name = metadata.required_text("name");
  cluster.namespace_name = metadata.required_text("namespace");
  cluster.uid = metadata.required_text("uid");
  cluster.resource_version = metadata.text("resourceVersion").value_or("");
  cluster.generation = metadata.integer("generation", 0, std::numeric_limits<std::int64_t>::max()).value_or(0);
  cluster.deleting = metadata.has("deletionTimestamp");
  if (!reader.has("spec")) reader.mistake("spec", "is missing");
  if (!mistakes.empty()) return fail(ErrorKind::invalid_argument, join(mistakes));
  auto spec = parse_kafka_cluster_spec(object.at("spec"));
  if (!spec) return tl::unexpected(spec.error());
  cluster.spec = std::move(*spec);
  return cluster;
}

}  // namespace millrace::api

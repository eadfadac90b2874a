// KafkaCluster (millrace.dev/v1alpha1): what a person asks for, typed. The schema is crds/kafkaclusters.yaml; the API
// server has checked an object against it before the operator sees it, and parsing checks again what code relies on.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "broker/base/result.h"
#include "operator/api/quantity.h"

namespace millrace::api {

inline constexpr std::string_view group = "millrace.dev";
inline constexpr std::string_view version = "v1alpha1";
inline constexpr std::string_view kafka_cluster_kind = "KafkaCluster";
inline constexpr std::string_view kafka_cluster_plural = "kafkaclusters";
inline constexpr std::string_view kafka_cluster_definition = "kafkaclusters.millrace.dev";

// What this operator reads; the CustomResourceDefinition carries its own in an annotation. Raised with every change of
// the schema.
inline constexpr int schema_version = 2;
inline constexpr std::string_view schema_version_annotation = "millrace.dev/schema-version";

inline constexpr int http_port = 9404;  // of every broker: /metrics, /livez, /readyz
inline constexpr std::int32_t broker_id_max = 1000;

struct IdRange {
  std::int32_t start = 0;
  std::int32_t end = broker_id_max;  // inclusive
};

struct VolumeSpec {
  std::string name = "data";
  Quantity size;
  std::optional<std::string> storage_class;
};

struct ResourceAmounts {
  std::optional<Quantity> cpu;
  std::optional<Quantity> memory;
};

struct Toleration {
  std::string key;
  std::string operator_name;
  std::string value;
  std::string effect;
  std::optional<std::int64_t> toleration_seconds;
};

struct PodTemplateSpec {
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  std::map<std::string, std::string> node_selector;
  std::vector<Toleration> tolerations;
};

struct PoolSpec {
  std::string name;
  std::int32_t replicas = 1;
  std::optional<IdRange> id_range;
  std::vector<std::string> zones;
  std::vector<VolumeSpec> volumes;  // at least one; the first also holds what is not records
  bool delete_claim = false;
  ResourceAmounts requests;
  ResourceAmounts limits;
  PodTemplateSpec pod_template;
};

enum class MetadataKind : std::uint8_t { embedded };

enum class ListenerType : std::uint8_t { internal };

struct ListenerSpec {
  std::string name;
  ListenerType type = ListenerType::internal;
  std::int32_t port = 9092;
};

struct RolloutSpec {
  bool paused = false;
  std::string restarted_at;
};

struct KafkaClusterSpec {
  std::optional<std::string> version;
  std::optional<std::string> image;
  std::string image_pull_policy = "IfNotPresent";
  std::vector<std::string> image_pull_secrets;
  std::vector<PoolSpec> pools;
  MetadataKind metadata = MetadataKind::embedded;
  std::vector<ListenerSpec> listeners;               // at least one
  nlohmann::json config = nlohmann::json::object();  // keys and values as given; broker_config.h checks them
  RolloutSpec rollout;
  std::string priority_class_name;
  std::string cluster_domain = "cluster.local";
  bool paused = false;

  [[nodiscard]] std::int32_t broker_count() const;
  [[nodiscard]] const PoolSpec* find_pool(std::string_view name) const;
};

struct KafkaCluster {
  std::string name;
  std::string namespace_name;
  std::string uid;
  std::string resource_version;
  std::int64_t generation = 0;
  bool deleting = false;
  KafkaClusterSpec spec;
};

// Every mistake in the error's message, each with its path.
[[nodiscard]] Result<KafkaClusterSpec> parse_kafka_cluster_spec(const nlohmann::json& spec);
[[nodiscard]] Result<KafkaCluster> parse_kafka_cluster(const nlohmann::json& object);

}  // namespace millrace::api

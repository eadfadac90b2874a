// One broker's StatefulSet, pod and ConfigMaps as they are, and what follows from them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "operator/reconcile/cluster_context.h"
#include "operator/status/kafka_cluster_status.h"

namespace millrace::reconcile {

[[nodiscard]] const nlohmann::json* find_stateful_set(const ClusterContext& context, const resources::Broker& broker);
[[nodiscard]] const nlohmann::json* find_pod(const ClusterContext& context, const resources::Broker& broker);

// The ConfigMap that a pod or a pod template mounts; "" when there is none.
[[nodiscard]] std::string mounted_config(const nlohmann::json& pod_or_template);
[[nodiscard]] std::string broker_image_of(const nlohmann::json& pod_or_template);

// The StatefulSet controller has seen the latest template, and the pod was made from another one.
enum class PodRevision : std::uint8_t { current, outdated, unknown };
[[nodiscard]] PodRevision pod_revision(const nlohmann::json& stateful_set, const nlohmann::json& pod);

// Every broker of the record, as the status shows it.
[[nodiscard]] std::vector<status::BrokerStatus> broker_statuses(const ClusterContext& context);

}  // namespace millrace::reconcile

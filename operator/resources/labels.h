// Labels of everything that the operator makes. Those in brokers_selector are part of immutable selectors: they are fixed for ever.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "broker/base/types.h"

namespace millrace::resources {

inline constexpr std::string_view cluster_label = "millrace.dev/cluster";
inline constexpr std::string_view component_label = "millrace.dev/component";
inline constexpr std::string_view pool_label = "millrace.dev/pool";
inline constexpr std::string_view broker_id_label = "millrace.dev/broker-id";
inline constexpr std::string_view cluster_id_label = "millrace.dev/cluster-id";

inline constexpr std::string_view managed_by_label = "app.kubernetes.io/managed-by";
inline constexpr std::string_view managed_by = "millrace-operator";

// On everything that belongs to the cluster.
[[nodiscard]] nlohmann::json cluster_labels(std::string_view cluster);
// On what belongs to all its brokers, and to one broker.
[[nodiscard]] nlohmann::json brokers_labels(std::string_view cluster);
[[nodiscard]] nlohmann::json broker_labels(std::string_view cluster, std::string_view pool, BrokerId id);

// matchLabels of all brokers' pods, and of one broker's pod.
[[nodiscard]] nlohmann::json brokers_selector(std::string_view cluster);
[[nodiscard]] nlohmann::json broker_selector(std::string_view cluster, BrokerId id);

// A cluster id may be any 22 characters of base64url; a label's value must begin and end with a letter or a digit.
[[nodiscard]] bool is_label_value(std::string_view text);

}  // namespace millrace::resources

#include "operator/resources/labels.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace millrace::resources {

using Json = nlohmann::json;

Json cluster_labels(std::string_view cluster) {
  return {{"app.kubernetes.io/name", "millrace"},
          {"app.kubernetes.io/instance", cluster},
          {managed_by_label, managed_by},
          {cluster_label, cluster}};
}

Json brokers_labels(std::string_view cluster) {
  Json labels = cluster_labels(cluster);
  labels["app.kubernetes.io/component"] = "broker";
  labels[component_label] = "broker";
  return labels;
}

Json broker_labels(std::string_view cluster, std::string_view pool, BrokerId id) {
  Json labels = brokers_labels(cluster);
  labels[pool_label] = pool;
  labels[broker_id_label] = std::to_string(id.value());
  return labels;
}

Json brokers_selector(std::string_view cluster) { return {{cluster_label, cluster}, {component_label, "broker"}}; }

Json broker_selector(std::string_view cluster, BrokerId id) {
  Json selector = brokers_selector(cluster);
  selector[broker_id_label] = std::to_string(id.value());
  return selector;
}

bool is_label_value(std::string_view text) {
  auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  if (text.empty()) return true;
  if (text.size() > 63 || !alphanumeric(text.front()) || !alphanumeric(text.back())) return false;
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

}  // namespace millrace::resources

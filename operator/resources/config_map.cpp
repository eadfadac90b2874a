#include "operator/resources/config_map.h"

#include <nlohmann/json.hpp>

#include "operator/resources/content_hash.h"
#include "operator/resources/labels.h"
#include "operator/resources/names.h"
#include "operator/resources/object_metadata.h"
#include "operator/resources/server_properties.h"

namespace millrace::resources {
namespace {

std::string name_for(const Broker& broker, const std::string& content) {
  return broker_name(broker.cluster.name, broker.id) + "-" + content_hash(content);
}

}  // namespace

std::string config_map_name(const Broker& broker) { return name_for(broker, server_properties(broker)); }

nlohmann::json config_map(const Broker& broker) {
  auto content = server_properties(broker);
  auto labels = broker_labels(broker.cluster.name, broker.pool.name, broker.id);
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", owned_metadata(broker.cluster, name_for(broker, content), std::move(labels))},
          {"immutable", true},
          {"data", {{config_file, content}}}};
}

}  // namespace millrace::resources

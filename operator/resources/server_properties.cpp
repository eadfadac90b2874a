#include "operator/resources/server_properties.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "operator/resources/names.h"

namespace millrace::resources {
namespace {

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

// A value as java.util.Properties reads it back.
std::string escape(std::string_view value) {
  std::string escaped;
  for (std::size_t i = 0; i < value.size(); ++i) {
    switch (value[i]) {
      case '\\':
        escaped += "\\\\";
        break;
      case '\n':
        escaped += "\\n";
        break;
      case '\r':
        escaped += "\\r";
        break;
      case '\t':
        escaped += "\\t";
        break;
      case '\f':
        escaped += "\\f";
        break;
      case ' ':
        escaped += i == 0 ? "\\ " : " ";
        break;
      default:
        escaped += value[i];
    }
  }
  return escaped;
}

void add_listeners(const Broker& broker, std::map<std::string, std::string>& properties) {
  auto host =
      broker_host(broker.cluster.name, broker.id, broker.cluster.namespace_name, broker.cluster.spec.cluster_domain);
  auto append = [&](const char* key, const std::string& item) {
    auto& value = properties[key];
    value += (value.empty() ? "" : ",") + item;
  };
  for (const auto& listener : broker.cluster.spec.listeners) {
    auto name = upper(listener.name);
    auto port = std::to_string(listener.port);
    append("listeners", name + "://:" + port);
    append("advertised.listeners", name + "://" + host + ":" + port);
    append("listener.security.protocol.map", name + ":PLAINTEXT");
  }
  properties["inter.broker.listener.name"] = upper(broker.cluster.spec.listeners.front().name);
}

}  // namespace

std::string volume_directory(const api::VolumeSpec& volume) {
  return std::string(volumes_directory) + "/" + volume.name;
}

std::string server_properties(const Broker& broker) {
  std::map<std::string, std::string> decided;
  decided["broker.id"] = std::to_string(broker.id.value());
  decided["millrace.cluster.id"] = broker.cluster_id;
  decided["millrace.http.port"] = std::to_string(api::http_port);
  // A volume's root may hold lost+found; a log directory may hold topics only, and the metadata store and the journal (log.journal, the
  // broker's default) live beside it.
  for (const auto& volume : broker.pool.volumes) {
    auto& directories = decided["log.dirs"];
    directories += (directories.empty() ? "" : ",") + volume_directory(volume) + "/log";
  }
  decided["metadata.store"] = "embedded:" + volume_directory(broker.pool.volumes.front()) + "/metadata";
  // Such a store is one broker's: the coordinators' topics cannot have more replicas, with Kafka's defaults they would never be made.
  for (const char* key : {"offsets.topic.replication.factor", "transaction.state.log.replication.factor",
                          "transaction.state.log.min.isr"}) {
    if (!broker.config.contains(key)) decided[key] = "1";
  }
  if (broker.pool.zones.size() == 1) decided["broker.rack"] = broker.pool.zones.front();
  add_listeners(broker, decided);

  std::string text = "# Broker " + std::to_string(broker.id.value()) + " of KafkaCluster " +
                     broker.cluster.namespace_name + "/" + broker.cluster.name + ", made by the operator.\n";
  for (const auto& [key, value] : decided) text += key + "=" + escape(value) + "\n";
  if (!broker.config.empty()) text += "# spec.config\n";
  for (const auto& [key, value] : broker.config) text += key + "=" + escape(value) + "\n";
  return text;
}

}  // namespace millrace::resources

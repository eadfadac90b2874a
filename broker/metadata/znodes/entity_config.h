// /config/<entities>/<name>: what was set for a topic, broker, client, user or address; and the notification that it changed,
// /config/changes/config_change_<n>. Source: kafka.zk.ConfigEntityZNode, ConfigEntityChangeNotificationSequenceZNode.
#pragma once

#include <string>
#include <string_view>

#include "broker/base/result.h"
#include "broker/metadata/cluster_image.h"

namespace millrace::metadata::znodes {

// {"version":1,"config":{…}}
std::string encode_config(const ConfigMap& config);
// An empty payload is an empty map, as Kafka reads it.
Result<ConfigMap> decode_config(std::string_view payload);

// Where a configuration changed, as a path below /config: "topics/t", "users/<default>/clients/c". Names in it are sanitised
// (percent-encoded) where Kafka does so: users, clients and addresses.
std::string encode_config_change(std::string_view entity_path);      // version 2
Result<std::string> decode_config_change(std::string_view payload);  // versions 1 and 2

}  // namespace millrace::metadata::znodes

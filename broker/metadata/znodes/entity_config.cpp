#include "broker/metadata/znodes/entity_config.h"

#include <utility>
#include <vector>

#include "broker/metadata/znodes/json_object.h"
#include "broker/metadata/znodes/kafka_map_order.h"

namespace millrace::metadata::znodes {

std::string encode_config(const ConfigMap& config) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : config) keys.push_back(key);
  sort_as_java_properties(keys);
  std::string fields;
  for (const auto& key : keys) {
    if (!fields.empty()) fields += ',';
    fields += json_text(key) + ":" + json_text(config.find(key)->second);
  }
  return R"({"version":1,"config":{)" + fields + "}}";
}

Result<ConfigMap> decode_config(std::string_view payload) {
  if (payload.empty()) return ConfigMap();
  auto json = JsonObject::parse(payload, "the configuration");
  if (!json) return tl::unexpected(std::move(json.error()));
  auto version = json->integer("version", 1, 1);
  if (!version) return tl::unexpected(std::move(version.error()));
  auto object = json->object("config");
  if (!object) return tl::unexpected(std::move(object.error()));
  ConfigMap config;
  for (auto& name : object->names()) {
    auto value = object->text(name);
    if (!value) return tl::unexpected(std::move(value.error()));
    config.emplace(std::move(name), std::move(*value));
  }
  return config;
}

std::string encode_config_change(std::string_view entity_path) {
  return R"({"version":2,"entity_path":)" + json_text(entity_path) + "}";
}

Result<std::string> decode_config_change(std::string_view payload) {
  auto json = JsonObject::parse(payload, "the configuration change");
  if (!json) return tl::unexpected(std::move(json.error()));
  auto version = json->integer("version", 1, 2);
  if (!version) return tl::unexpected(std::move(version.error()));
  if (*version == 2) return json->text("entity_path");
  auto type = json->text("entity_type");
  if (!type) return type;
  auto name = json->text("entity_name");
  if (!name) return name;
  return *type + "/" + *name;
}

}  // namespace millrace::metadata::znodes

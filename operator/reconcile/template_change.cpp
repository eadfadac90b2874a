#include "operator/reconcile/template_change.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "broker/base/config_table.h"
#include "operator/api/json_access.h"
#include "operator/reconcile/broker_objects.h"
#include "operator/reconcile/difference.h"
#include "operator/resources/config_map.h"
#include "operator/resources/server_properties.h"
#include "operator/resources/stateful_set.h"

namespace millrace::reconcile {

using Json = nlohmann::json;

namespace {

constexpr std::size_t keys_shown_max = 5;

std::map<std::string, std::string> properties_of(const Json* config_map) {
  std::map<std::string, std::string> properties;
  if (config_map == nullptr) return properties;
  auto parsed = parse_properties(api::text_at(*config_map, {"data", resources::config_file}));
  if (!parsed) return properties;
  for (auto& [key, value] : *parsed) properties[key] = value;
  return properties;
}

std::string changed_keys(const Json* before, const Json& after) {
  auto left = properties_of(before);
  auto right = properties_of(&after);
  std::set<std::string> changed;
  for (const auto& [key, value] : left) {
    if (!right.contains(key) || right[key] != value) changed.insert(key);
  }
  for (const auto& [key, value] : right) {
    if (!left.contains(key)) changed.insert(key);
  }
  std::string text;
  std::size_t shown = 0;
  for (const auto& key : changed) {
    if (shown++ == keys_shown_max) return text + " and " + std::to_string(changed.size() - keys_shown_max) + " more";
    text += (text.empty() ? "" : ", ") + key;
  }
  return text;
}

}  // namespace

TemplateState template_state(const ClusterContext& context, const resources::Broker& broker, const Json& live) {
  auto desired = resources::stateful_set(broker);
  if (api::annotation(live, resources::spec_hash_annotation) !=
      api::annotation(desired, resources::spec_hash_annotation)) {
    return TemplateState::outdated;
  }
  const Json& live_template = api::json_at(live, {"spec", "template"});
  if (api::annotation(live, resources::template_hash_annotation) ==
      api::annotation(desired, resources::template_hash_annotation)) {
    return covers(live_template, desired["spec"]["template"]) ? TemplateState::current : TemplateState::drifted;
  }
  // Its pod could not start again without its ConfigMap, and only our own template's can be made.
  bool has_config = context.objects.config_maps.contains(mounted_config(live_template));
  return has_config ? TemplateState::of_other_version : TemplateState::outdated;
}

std::string describe_change(const ClusterContext& context, const resources::Broker& broker, const Json& live) {
  const Json& had = api::json_at(live, {"spec", "template"});
  std::vector<std::string> parts;
  auto before = broker_image_of(had);
  if (before != broker.image) parts.push_back("image " + before + " to " + broker.image);
  auto config = resources::config_map(broker);
  if (mounted_config(had) != api::object_name(config)) {
    auto keys = changed_keys(ClusterObjects::find(context.objects.config_maps, mounted_config(had)), config);
    if (!keys.empty()) parts.push_back("config " + keys);
  }
  if (parts.empty()) parts.emplace_back("the pod's template");
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

}  // namespace millrace::reconcile

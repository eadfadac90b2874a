#include "broker/server/configuration/broker_description.h"

#include <algorithm>
#include <utility>

#include "broker/server/configuration/broker_config_rows.h"

namespace millrace::server {
namespace {

void set_source(ConfigEntry& entry) {
  entry.source = entry.synonyms.empty() ? ConfigSource::default_config : entry.synonyms.front().source;
  entry.is_default = entry.source == ConfigSource::default_config;
}

ConfigEntry describe(const BrokerConfigLayers& layers, const ConfigRow& row) {
  ConfigEntry entry;
  entry.name = row.name;
  entry.is_sensitive = row.type == ConfigType::password;
  auto text = layers.values().text(row.name);
  if (text && !entry.is_sensitive) entry.value = canonical_config_text(row, *text);
  entry.read_only = !row.dynamic;
  entry.synonyms = layers.synonyms(row.name);
  entry.type = wire_type(row.type);
  entry.documentation = row.documentation;
  set_source(entry);
  return entry;
}

// A key without a row of its own: one of a listener has its base's type, an unknown one has none and is taken for a secret.
ConfigEntry describe_unlisted(const BrokerConfigLayers& layers, const std::string& name, const std::string& text) {
  const auto* row = broker_config_table().find(base_of_listener_key(name));
  ConfigEntry entry;
  entry.name = name;
  entry.is_sensitive = row == nullptr || row->type == ConfigType::password;
  if (!entry.is_sensitive) entry.value = text;
  entry.read_only = true;
  entry.synonyms = layers.synonyms(name);
  if (row != nullptr) {
    entry.type = wire_type(row->type);
    entry.documentation = row->documentation;
  }
  set_source(entry);
  return entry;
}

void sort_by_name(std::vector<ConfigEntry>& entries) { std::ranges::sort(entries, {}, &ConfigEntry::name); }

}  // namespace

std::vector<ConfigEntry> describe_broker(const BrokerConfigLayers& layers) {
  std::vector<ConfigEntry> entries;
  for (const auto& row : broker_config_table().rows()) {
    if (!row.internal || layers.values().is_set(row.name)) entries.push_back(describe(layers, row));
  }
  for (const auto& [name, text] : layers.unlisted()) entries.push_back(describe_unlisted(layers, name, text));
  sort_by_name(entries);
  return entries;
}

std::vector<ConfigEntry> describe_broker_defaults(const BrokerConfigLayers& layers) {
  std::vector<ConfigEntry> entries;
  for (const auto& [name, text] : layers.cluster_wide()) {
    const auto* row = broker_config_table().find(name);
    auto entry = row == nullptr ? describe_unlisted(layers, name, text) : describe(layers, *row);
    // Told as it was given, and without what one broker knows besides.
    if (!entry.is_sensitive) entry.value = text;
    std::erase_if(entry.synonyms,
                  [](const ConfigSynonym& synonym) { return synonym.source != ConfigSource::dynamic_default_broker; });
    set_source(entry);
    entries.push_back(std::move(entry));
  }
  sort_by_name(entries);
  return entries;
}

}  // namespace millrace::server

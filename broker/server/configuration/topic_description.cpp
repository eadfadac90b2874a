#include "broker/server/configuration/topic_description.h"

#include <utility>

#include "broker/server/configuration/topic_config_rows.h"
#include "broker/server/configuration/topic_configuration.h"

namespace millrace::server {
namespace {

ConfigEntry describe(const BrokerConfigLayers& broker, const ConfigTexts& overrides, const ConfigRow& row) {
  ConfigEntry entry;
  entry.name = row.name;
  entry.value = topic_config_text(broker.values(), overrides, row.name);
  if (overrides.contains(row.name)) entry.synonyms.push_back({entry.name, entry.value, ConfigSource::topic});
  if (!row.synonym.empty()) {
    auto hidden = broker.synonyms(row.synonym);
    entry.synonyms.insert(entry.synonyms.end(), hidden.begin(), hidden.end());
  }
  entry.source = entry.synonyms.empty() ? ConfigSource::default_config : entry.synonyms.front().source;
  entry.is_default = entry.source == ConfigSource::default_config;
  entry.type = wire_type(row.type);
  entry.documentation = row.documentation;
  return entry;
}

}  // namespace

std::vector<ConfigEntry> describe_topic(const BrokerConfigLayers& broker, const ConfigTexts& overrides) {
  std::vector<ConfigEntry> entries;
  entries.reserve(topic_config_rows().size());
  for (const auto& row : topic_config_rows()) entries.push_back(describe(broker, overrides, row));
  return entries;
}

std::shared_ptr<const std::vector<ConfigEntry>> TopicDescriptions::of(const ConfigTexts& overrides) {
  auto& described = described_[overrides];
  if (!described) described = std::make_shared<const std::vector<ConfigEntry>>(describe_topic(*broker_, overrides));
  return described;
}

}  // namespace millrace::server

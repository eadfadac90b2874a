#include "broker/server/configuration/broker_config_layers.h"

#include <algorithm>
#include <utility>

#include "broker/server/configuration/broker_config_rows.h"

namespace millrace::server {
namespace {

using Names = std::vector<std::string_view>;

// Where several keys say one thing, the finer first.
const std::vector<Names>& synonym_groups() {
  static const std::vector<Names> groups{
      {"log.roll.ms", "log.roll.hours"},
      {"log.roll.jitter.ms", "log.roll.jitter.hours"},
      {"log.retention.ms", "log.retention.minutes", "log.retention.hours"},
  };
  return groups;
}

// Unknown keys count as secrets.
bool is_sensitive(std::string_view name) {
  const auto* row = broker_config_table().find(name);
  if (row == nullptr) row = broker_config_table().find(base_of_listener_key(name));
  return row == nullptr || row->type == ConfigType::password;
}

}  // namespace

std::string_view base_of_listener_key(std::string_view name) {
  constexpr std::string_view prefix = "listener.name.";
  if (!name.starts_with(prefix)) return {};
  auto dot = name.find('.', prefix.size());
  if (dot == std::string_view::npos) return {};
  auto base = name.substr(dot + 1);
  for (std::string_view of_mechanism : {"sasl.jaas.config", "sasl.login.callback.handler.class", "sasl.login.class",
                                        "sasl.server.callback.handler.class", "connections.max.reauth.ms"}) {
    if (base.ends_with(of_mechanism)) return of_mechanism;
  }
  return base;
}

std::vector<std::string> broker_config_synonyms(std::string_view name) {
  for (const auto& group : synonym_groups()) {
    if (std::ranges::find(group, name) != group.end()) return {group.begin(), group.end()};
  }
  if (name == "log.flush.interval.ms") return {"log.flush.interval.ms", "log.flush.scheduler.interval.ms"};
  if (auto base = base_of_listener_key(name); !base.empty()) return {std::string(name), std::string(base)};
  return {std::string(name)};
}

BrokerConfigLayers::BrokerConfigLayers(const BrokerConfiguration& fixed, ConfigTexts cluster_wide,
                                       ConfigTexts of_broker)
    : fixed_(&fixed), cluster_wide_(std::move(cluster_wide)), of_broker_(std::move(of_broker)), values_(fixed.values) {
  apply(cluster_wide_, true);
  apply(of_broker_, false);
}

void BrokerConfigLayers::apply(ConfigTexts& texts, bool cluster_wide) {
  std::erase_if(texts, [&](const auto& pair) {
    const auto& [name, text] = pair;
    const auto* row = broker_config_table().find(name);
    if (row == nullptr) return false;  // kept, told and without effect
    if (!row->dynamic || (cluster_wide && row->per_broker)) {
      rejected_.push_back("Cannot update this config dynamically: " + name);
      return true;
    }
    if (auto checked = check_config_value(*row, text); !checked) {
      rejected_.push_back(checked.error().message);
      return true;
    }
    return false;
  });
  for (const auto& [name, text] : texts) {
    for (const auto& synonym : broker_config_synonyms(name)) values_.unset(synonym);
  }
  for (const auto& [name, text] : texts) {
    // Only keys without a row fail, and nothing reads those.
    (void)values_.set(name, text);
  }
}

ConfigTexts BrokerConfigLayers::unlisted() const {
  ConfigTexts found;
  for (const auto* texts : {&of_broker_, &cluster_wide_, &fixed_->unlisted}) {
    for (const auto& [name, text] : *texts) {
      if (broker_config_table().find(name) == nullptr) found.emplace(name, text);
    }
  }
  return found;
}

std::vector<ConfigSynonym> BrokerConfigLayers::synonyms(std::string_view name) const {
  auto names = broker_config_synonyms(name);
  bool sensitive = is_sensitive(name);
  std::vector<ConfigSynonym> found;
  auto add = [&](const std::string& key, std::string_view text, ConfigSource source) {
    found.push_back({key, sensitive ? std::nullopt : std::optional(std::string(text)), source});
  };
  auto add_from = [&](const ConfigTexts& texts, ConfigSource source) {
    for (const auto& key : names) {
      if (auto at = texts.find(key); at != texts.end()) add(key, at->second, source);
    }
  };
  add_from(of_broker_, ConfigSource::dynamic_broker);
  add_from(cluster_wide_, ConfigSource::dynamic_default_broker);
  add_from(fixed_->values.explicit_values(), ConfigSource::static_broker);
  add_from(fixed_->unlisted, ConfigSource::static_broker);
  for (const auto& key : names) {
    const auto* row = broker_config_table().find(key);
    if (row != nullptr && row->default_value) add(key, *row->default_value, ConfigSource::default_config);
  }
  found.erase(found.begin(), std::ranges::find(found, name, &ConfigSynonym::name));
  return found;
}

}  // namespace millrace::server

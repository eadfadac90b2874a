#include "broker/server/configuration/config_alteration.h"

#include <algorithm>
#include <utility>

#include "broker/server/configuration/broker_config_rows.h"
#include "broker/server/configuration/dynamic_config_checks.h"
#include "broker/server/configuration/topic_config_rows.h"
#include "broker/server/configuration/topic_configuration.h"

namespace millrace::server {
namespace {

using protocol::ConfigOperation;
using protocol::ErrorCode;

tl::unexpected<ConfigRefusal> refuse(ErrorCode code, std::optional<std::string> message) {
  return tl::unexpected<ConfigRefusal>(ConfigRefusal{code, std::move(message)});
}

std::string invalid_value(std::string_view type, std::string_view resource_name, const std::string& why) {
  return "Invalid config value for resource ConfigResource(type=" + std::string(type) + ", name='" +
         std::string(resource_name) + "'): " + why;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    auto comma = text.find(',');
    if (comma != 0) items.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return items;
}

std::string joined(const std::vector<std::string>& items) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ",") + item;
  return text;
}

// A list begins with its default, not with what another level says.
std::string list_of(const ConfigRow& row, const ConfigTexts& texts) {
  auto set = texts.find(row.name);
  return set != texts.end() ? set->second : std::string(row.default_value.value_or(""));
}

std::optional<ConfigRefusal> change_list(const ConfigTable& table, const ConfigChange& change, ConfigTexts& texts) {
  const bool appends = change.operation == ConfigOperation::append;
  const auto* row = table.find(change.name);
  if (row == nullptr) return ConfigRefusal{ErrorCode::unknown_server_error, std::nullopt};
  if (row->type != ConfigType::list) {
    return ConfigRefusal{ErrorCode::invalid_config, std::string("Config value ") + (appends ? "append" : "subtract") +
                                                        " is not allowed for config key: " + change.name};
  }
  auto items = split(list_of(*row, texts));
  const auto operands = split(*change.value);
  if (appends) {
    const auto standing = items;
    for (const auto& operand : operands) {
      if (std::ranges::find(standing, operand) == standing.end()) items.push_back(operand);
    }
  } else {
    std::erase_if(items, [&](const auto& item) { return std::ranges::find(operands, item) != operands.end(); });
  }
  texts.insert_or_assign(change.name, joined(items));
  return std::nullopt;
}

tl::expected<ConfigTexts, ConfigRefusal> altered(const ConfigTable& table, ConfigTexts texts,
                                                 const ConfigAlteration& alteration) {
  if (alteration.replaces) texts.clear();
  for (const auto& change : alteration.changes) {
    switch (change.operation) {
      case ConfigOperation::set:
        texts.insert_or_assign(change.name, *change.value);
        break;
      case ConfigOperation::remove:
        texts.erase(change.name);
        break;
      case ConfigOperation::append:
      case ConfigOperation::subtract:
        if (auto refusal = change_list(table, change, texts)) return tl::unexpected(std::move(*refusal));
        break;
    }
  }
  return texts;
}

bool is_known(ConfigOperation operation) {
  return operation >= ConfigOperation::set && operation <= ConfigOperation::subtract;
}

}  // namespace

std::optional<ConfigRefusal> check_alteration(const ConfigAlteration& alteration) {
  std::vector<std::string_view> names;
  names.reserve(alteration.changes.size());
  for (const auto& change : alteration.changes) names.push_back(change.name);
  std::ranges::sort(names);
  if (std::ranges::adjacent_find(names) != names.end())
    return ConfigRefusal{ErrorCode::invalid_request, "Error due to duplicate config keys"};
  std::string nulls;
  for (const auto& change : alteration.changes) {
    if (!change.value && change.operation != ConfigOperation::remove)
      nulls += (nulls.empty() ? "" : ", ") + change.name;
  }
  if (!nulls.empty()) return ConfigRefusal{ErrorCode::invalid_request, "Null value not supported for : " + nulls};
  return std::nullopt;
}

tl::expected<ConfigTexts, ConfigRefusal> alter_topic(const ConfigValues& broker, std::string_view topic,
                                                     const ConfigTexts& now, const ConfigAlteration& alteration) {
  for (const auto& change : alteration.changes) {
    if (!is_known(change.operation)) return refuse(ErrorCode::unknown_server_error, std::nullopt);
  }
  auto next = altered(topic_config_table(), now, alteration);
  if (!next) return next;
  auto checked = check_topic_configs(broker, *next);
  if (checked) return next;
  // Kafka says whose value it is where the value itself is wrong.
  const auto& message = checked.error().message;
  const bool is_bare = message.starts_with("Unknown topic config name") || message.starts_with("conflict topic config");
  return refuse(ErrorCode::invalid_config, is_bare ? message : invalid_value("TOPIC", topic, message));
}

tl::expected<ConfigTexts, ConfigRefusal> alter_broker(const BrokerConfigLayers& current, BrokerConfigLevel level,
                                                      const ConfigTexts& now, const ConfigAlteration& alteration) {
  for (const auto& change : alteration.changes) {
    if (is_known(change.operation)) continue;
    return refuse(ErrorCode::invalid_request,
                  "Unknown operations type " + std::to_string(static_cast<int>(change.operation)));
  }
  auto standing = now;
  drop_invalid_dynamic_configs(level, standing);
  auto next = altered(broker_config_table(), std::move(standing), alteration);
  if (!next) return next;
  if (auto checked = check_dynamic_configs(current, level, *next); !checked)
    return refuse(ErrorCode::invalid_request, checked.error().message);
  return next;
}

std::optional<ConfigRefusal> refuse_secrets(BrokerConfigLevel level, std::string_view resource_name,
                                            const ConfigTexts& texts) {
  if (level != BrokerConfigLevel::one_broker) return std::nullopt;
  for (const auto& [name, text] : texts) {
    if (!is_dynamic_secret(name)) continue;
    return ConfigRefusal{ErrorCode::invalid_config,
                         invalid_value("BROKER", resource_name, "Password encoder secret not configured")};
  }
  return std::nullopt;
}

}  // namespace millrace::server

#include "broker/server/configuration/kafka_config_error.h"

#include <algorithm>
#include <cmath>

#include "broker/server/configuration/config_checks.h"

namespace millrace::server {
namespace {

// ConfigDef.Type by name.
std::string_view java_type(ConfigType type) {
  switch (type) {
    case ConfigType::boolean:
      return "BOOLEAN";
    case ConfigType::string:
      return "STRING";
    case ConfigType::int16:
      return "SHORT";
    case ConfigType::int32:
      return "INT";
    case ConfigType::int64:
      return "LONG";
    case ConfigType::float64:
      return "DOUBLE";
    case ConfigType::list:
      return "LIST";
    case ConfigType::class_name:
      return "CLASS";
    case ConfigType::password:
      return "PASSWORD";
  }
  return "";
}

std::string invalid(const ConfigRow& row, std::string_view value, const std::string& why) {
  auto shown = row.type == ConfigType::password ? std::string_view("[hidden]") : value;
  return "Invalid value " + std::string(shown) + " for configuration " + std::string(row.name) + ": " + why;
}

bool is_numeric(ConfigType type) {
  return type == ConfigType::int16 || type == ConfigType::int32 || type == ConfigType::int64 ||
         type == ConfigType::float64;
}

// The row without its bounds, to tell a text that is no number from a number out of range.
bool parses(const ConfigRow& row, std::string_view text) {
  auto unbounded = row;
  unbounded.minimum.reset();
  unbounded.maximum.reset();
  unbounded.check = nullptr;
  return check_config_value(unbounded, text).has_value();
}

std::string bound_text(double bound) { return std::to_string(static_cast<std::int64_t>(bound)); }

std::string number_error(const ConfigRow& row, std::string_view text) {
  if (!parses(row, text)) return invalid(row, text, "Not a number of type " + std::string(java_type(row.type)));
  auto value = canonical_config_text(row, text);
  if (row.check == &gzip_level) return invalid(row, value, "Value must be between 1 and 9 or equal to -1");
  auto above_minimum = row;
  above_minimum.maximum.reset();
  if (!check_config_value(above_minimum, text))
    return invalid(row, value, "Value must be at least " + bound_text(*row.minimum));
  return invalid(row, value, "Value must be no more than " + bound_text(row.maximum.value_or(0)));
}

std::string words_error(const ConfigRow& row, std::string_view wrong) {
  std::string words;
  for (auto word : row.allowed) words += (words.empty() ? "" : ", ") + std::string(word);
  return invalid(row, wrong, "String must be one of: " + words);
}

// Of a list Kafka names the first item that is wrong.
std::string list_error(const ConfigRow& row, std::string_view text) {
  auto joined = canonical_config_text(row, text);
  std::string_view rest = joined;
  while (true) {
    auto comma = rest.find(',');
    auto item = rest.substr(0, comma);
    if (std::ranges::find(row.allowed, item) == row.allowed.end()) return words_error(row, item);
    if (comma == std::string_view::npos) return words_error(row, joined);
    rest.remove_prefix(comma + 1);
  }
}

std::string throttle_error(const ConfigRow& row, std::string_view text) {
  auto items = canonical_config_text(row, text);
  std::string shown = "[";
  for (char letter : items) shown += letter == ',' ? std::string(", ") : std::string(1, letter);
  return invalid(row, shown + "]",
                 std::string(row.name) +
                     " must be the literal '*' or a list of replicas in the following format: "
                     "[partitionId]:[brokerId],[partitionId]:[brokerId],...");
}

}  // namespace

std::optional<std::string> kafka_config_error(const ConfigRow& row, std::string_view text) {
  auto checked = check_config_value(row, text);
  if (checked) return std::nullopt;
  if (row.type == ConfigType::boolean) return invalid(row, text, "Expected value to be either true or false");
  if (is_numeric(row.type)) return number_error(row, text);
  if (row.check == &throttled_replicas) return throttle_error(row, text);
  if (row.check == &kafka_version)
    return invalid(row, text, "Version " + std::string(text) + " is not a valid version");
  if (row.check != nullptr) return checked.error().message;
  if (row.type == ConfigType::list) return list_error(row, text);
  return words_error(row, canonical_config_text(row, text));
}

}  // namespace millrace::server

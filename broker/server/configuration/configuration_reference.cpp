#include "broker/server/configuration/configuration_reference.h"

#include <cmath>
#include <cstdint>
#include <string_view>

#include "broker/base/config_table.h"
#include "broker/server/configuration/broker_config_rows.h"
#include "broker/server/configuration/topic_config_rows.h"

namespace millrace::server {
namespace {

constexpr std::string_view introduction = R"(# Configuration

Made from the broker's own table of keys by `millrace-broker --print-configuration-reference`; do not edit.

    millrace-broker server.properties --override key=value

Keys, defaults and bounds are those of Kafka 3.9. An unknown key is a warning with the nearest known name; a bad value stops
the start. "Change" says how a key may be changed: by a restart, for one broker at run time, or for all brokers at once. "at
the next start" is taken at run time, kept, and in force from the next start on, as is another address for a listener that is there.

Marks: ◦ accepted, has no effect yet; × accepted, has no effect in Millrace. The start warns of each that is set.

)";

std::string_view type_text(ConfigType type) {
  switch (type) {
    case ConfigType::boolean:
      return "boolean";
    case ConfigType::string:
      return "string";
    case ConfigType::int16:
      return "short";
    case ConfigType::int32:
      return "int";
    case ConfigType::int64:
      return "long";
    case ConfigType::float64:
      return "double";
    case ConfigType::list:
      return "list";
    case ConfigType::class_name:
      return "class";
    case ConfigType::password:
      return "password";
  }
  return "";
}

std::string default_text(const ConfigRow& row) {
  if (!row.default_value) return "none";
  if (row.default_value->empty()) return "empty";
  return "`" + std::string(*row.default_value) + "`";
}

std::string bound_text(double bound) {
  constexpr double exact = 1e15;
  auto number = static_cast<std::int64_t>(bound);
  return std::abs(bound) < exact && static_cast<double>(number) == bound ? std::to_string(number)
                                                                         : std::to_string(bound);
}

// What the type does not already say.
std::string range_text(const ConfigRow& row) {
  if (row.check != nullptr) return std::string(row.check->allowed);
  if (row.minimum && row.maximum) return bound_text(*row.minimum) + " to " + bound_text(*row.maximum);
  if (row.minimum) return "at least " + bound_text(*row.minimum);
  std::string words;
  for (auto word : row.allowed) words += (words.empty() ? "" : ", ") + std::string(word);
  return words;
}

std::string_view change_text(const ConfigRow& row) {
  if (!row.dynamic) return "restart";
  if (row.applied_at_start) return "all brokers, at the next start";
  return row.per_broker ? "one broker" : "all brokers";
}

std::string_view mark(const ConfigRow& row) {
  switch (row.support) {
    case ConfigSupport::effective:
      return "";
    case ConfigSupport::not_yet:
      return " ◦";
    case ConfigSupport::not_applicable:
      return " ×";
  }
  return "";
}

// A cell of a table must not end it.
std::string cell(std::string_view text) {
  std::string escaped;
  for (char letter : text) {
    if (letter == '|') escaped += '\\';
    if (letter == '<') {
      escaped += "&lt;";
    } else {
      escaped += letter;
    }
  }
  return escaped;
}

void add_broker_row(std::string& page, const ConfigRow& row) {
  page += "| `" + std::string(row.name) + "`" + std::string(mark(row)) + " | " + std::string(type_text(row.type)) +
          " | " + default_text(row) + " | " + cell(range_text(row)) + " | " + std::string(change_text(row)) + " | " +
          cell(row.documentation) + " |\n";
}

void add_topic_row(std::string& page, const ConfigRow& row) {
  auto synonym = row.synonym.empty() ? std::string() : "`" + std::string(row.synonym) + "`";
  page += "| `" + std::string(row.name) + "`" + std::string(mark(row)) + " | " + std::string(type_text(row.type)) +
          " | " + default_text(row) + " | " + cell(range_text(row)) + " | " + synonym + " | " +
          cell(row.documentation) + " |\n";
}

}  // namespace

std::string configuration_reference() {
  std::string page(introduction);
  page += "## Topics\n\nA topic's key hides the broker's key beside it; every one may be changed at run time.\n\n";
  page += "| Key | Type | Default | Range | Broker's key | Meaning |\n|---|---|---|---|---|---|\n";
  for (const auto& row : topic_config_rows()) add_topic_row(page, row);
  for (const auto& theme : broker_config_themes()) {
    page += "\n## " + std::string(theme.title) +
            "\n\n| Key | Type | Default | Range | Change | Meaning |\n|---|---|---|---|---|---|\n";
    for (const auto& row : theme.rows) {
      if (!row.internal) add_broker_row(page, row);
    }
  }
  return page;
}

}  // namespace millrace::server

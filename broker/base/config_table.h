// Configuration is a table of rows: one row per key with Kafka's name, type, default, bounds and a sentence of documentation.
// The broker's checks, DescribeConfigs and the reference page all read the same rows (Kafka: ConfigDef).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/result.h"

namespace millrace {

enum class ConfigType : std::uint8_t { boolean, string, int16, int32, int64, float64, list, class_name, password };

enum class ConfigScope : std::uint8_t { broker, topic };

// What a value does. Kafka's keys are all known, so that a server.properties is read as it is; a key that does nothing says so.
enum class ConfigSupport : std::uint8_t {
  effective,
  not_yet,         // accepted, and without effect for now
  not_applicable,  // accepted, and without effect by design: KRaft's keys, Java's
};

// A rule that bounds and word lists cannot say. `allowed` completes "allowed is …".
struct ConfigCheck {
  bool (*accepts)(std::string_view text);
  std::string_view allowed;
};

struct ConfigRow {
  std::string_view name;
  ConfigType type;
  ConfigScope scope;
  // As Kafka prints it. nullopt: the default is null (no value).
  std::optional<std::string_view> default_value;
  std::string_view documentation;
  std::optional<double> minimum{};              // inclusive
  std::optional<double> maximum{};              // inclusive
  std::span<const std::string_view> allowed{};  // for strings and each item of lists; empty: anything
  bool dynamic = false;                         // may change without a restart
  // For a topic row: the broker key that gives its default ("log.retention.ms" for "retention.ms"); empty where there is none.
  std::string_view synonym{};
  bool applied_at_start = false;  // dynamic, kept at once, and in force from the next start on
  bool per_broker = false;        // dynamic, but never as the default of all brokers
  bool internal = false;          // known, and listed only where it is set
  ConfigSupport support = ConfigSupport::effective;
  const ConfigCheck* check = nullptr;
};

// A parsed value keeps its text: DescribeConfigs answers with the words that were given.
class ConfigTable {
 public:
  // `rows` outlives the table. Names are unique within it.
  explicit ConfigTable(std::span<const ConfigRow> rows);

  [[nodiscard]] const ConfigRow* find(std::string_view name) const;
  [[nodiscard]] std::span<const ConfigRow> rows() const { return rows_; }
  // The row whose name has the smallest edit distance to `name`, when it is near enough to be a likely misspelling.
  [[nodiscard]] const ConfigRow* nearest(std::string_view name) const;

 private:
  std::span<const ConfigRow> rows_;
  std::map<std::string_view, const ConfigRow*> by_name_;
};

// Checks `text` against the row's type and bounds. The error names the key, the value and what is allowed.
Status check_config_value(const ConfigRow& row, std::string_view text);

// What is allowed, to complete "allowed is …": "an integer from 1 to 10", "one of a, b".
std::string allowed_config_values(const ConfigRow& row);

// The text as Kafka reports a parsed value: trimmed, "true" for "TRUE", "5" for "+5", "0.5" for "0.50", "a,b" for "a , b".
// `text` has passed check_config_value.
std::string canonical_config_text(const ConfigRow& row, std::string_view text);

// Values by key over a table: an explicit value where there is one, else the row's default.
class ConfigValues {
 public:
  explicit ConfigValues(const ConfigTable& table) : table_(&table) {}

  // Checks and stores; ErrorKind::not_found for a key that the table has not.
  Status set(std::string_view name, std::string_view text);
  void unset(std::string_view name);
  [[nodiscard]] bool is_set(std::string_view name) const;
  // The text in force: explicit or default; nullopt when it is null. The key must be in the table (invariant).
  [[nodiscard]] std::optional<std::string_view> text(std::string_view name) const;

  // Typed views of the text in force. The key must be in the table, with a value of that type (invariant).
  [[nodiscard]] bool boolean(std::string_view name) const;
  [[nodiscard]] std::int64_t integer(std::string_view name) const;
  [[nodiscard]] double number(std::string_view name) const;
  [[nodiscard]] std::string string(std::string_view name) const;  // trimmed; "" for null
  [[nodiscard]] std::vector<std::string> list(std::string_view name) const;

  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& explicit_values() const { return values_; }
  [[nodiscard]] const ConfigTable& table() const { return *table_; }

 private:
  const ConfigTable* table_;
  std::map<std::string, std::string, std::less<>> values_;
};

// Java's .properties syntax: comments, continuation lines, "=", ":" or blank as separator, escapes. The error names the line.
Result<std::vector<std::pair<std::string, std::string>>> parse_properties(std::string_view text);

}  // namespace millrace

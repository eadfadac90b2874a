#include "broker/base/config_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "broker/base/check.h"

namespace millrace {
namespace {

std::string_view trim(std::string_view text) {
  auto first = text.find_first_not_of(" \t\r\n\f");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n\f") - first + 1);
}

std::size_t edit_distance(std::string_view left, std::string_view right) {
  std::vector<std::size_t> row(right.size() + 1);
  for (std::size_t j = 0; j <= right.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= left.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= right.size(); ++j) {
      std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (left[i - 1] == right[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

std::string number_text(double number) {
  if (number == std::floor(number) && std::abs(number) < 9.3e18)
    return std::to_string(static_cast<std::int64_t>(number));
  std::string text = std::to_string(number);
  return text;
}

std::string range_text(const ConfigRow& row, double type_minimum, double type_maximum) {
  auto maximum = row.maximum.value_or(type_maximum);
  return "an integer from " + number_text(row.minimum.value_or(type_minimum)) + " to " +
         (maximum > 9e18 ? std::to_string(std::numeric_limits<std::int64_t>::max()) : number_text(maximum));
}

template <class Integer>
std::string integer_range_text(const ConfigRow& row) {
  return range_text(row, static_cast<double>(std::numeric_limits<Integer>::min()),
                    static_cast<double>(std::numeric_limits<Integer>::max()));
}

tl::unexpected<Error> invalid(const ConfigRow& row, std::string_view text) {
  // A password is not repeated: the message goes to logs.
  auto shown = row.type == ConfigType::password ? std::string() : " '" + std::string(text) + "'";
  return fail(ErrorKind::invalid_argument, "Invalid value" + shown + " for configuration " + std::string(row.name) +
                                               ": allowed is " + allowed_config_values(row));
}

template <class Integer>
Status check_integer(const ConfigRow& row, std::string_view text) {
  Integer number{};
  auto trimmed = trim(text);
  if (trimmed.starts_with('+')) trimmed.remove_prefix(1);
  auto [end, error] = std::from_chars(trimmed.data(), trimmed.data() + trimmed.size(), number);
  bool parsed = error == std::errc{} && end == trimmed.data() + trimmed.size();
  auto value = static_cast<double>(number);
  if (!parsed || (row.minimum && value < *row.minimum) || (row.maximum && value > *row.maximum)) {
    return invalid(row, text);
  }
  return {};
}

Status check_number(const ConfigRow& row, std::string_view text) {
  double number{};
  auto trimmed = trim(text);
  auto [end, error] = std::from_chars(trimmed.data(), trimmed.data() + trimmed.size(), number);
  bool parsed = error == std::errc{} && end == trimmed.data() + trimmed.size() && std::isfinite(number);
  if (!parsed || (row.minimum && number < *row.minimum) || (row.maximum && number > *row.maximum)) {
    return invalid(row, text);
  }
  return {};
}

Status check_allowed(const ConfigRow& row, std::string_view text, std::string_view item) {
  if (row.allowed.empty() || std::ranges::find(row.allowed, item) != row.allowed.end()) return {};
  return invalid(row, text);
}

bool equals_ignoring_case(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, [](char a, char b) { return (a | 0x20) == (b | 0x20); });
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  text = trim(text);
  if (text.empty()) return items;
  while (true) {
    auto comma = text.find(',');
    items.emplace_back(trim(text.substr(0, comma)));
    if (comma == std::string_view::npos) return items;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

ConfigTable::ConfigTable(std::span<const ConfigRow> rows) : rows_(rows) {
  for (const auto& row : rows_) {
    bool added = by_name_.emplace(row.name, &row).second;
    MILLRACE_INVARIANT(added, "two configuration rows have one name");
  }
}

const ConfigRow* ConfigTable::find(std::string_view name) const {
  auto at = by_name_.find(name);
  return at == by_name_.end() ? nullptr : at->second;
}

const ConfigRow* ConfigTable::nearest(std::string_view name) const {
  constexpr std::size_t longest_name = 200;  // a longer one is no misspelling, and the distance costs its square
  if (name.size() > longest_name) return nullptr;
  const ConfigRow* best = nullptr;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 4) + 1;
  for (const auto& row : rows_) {
    auto distance = edit_distance(name, row.name);
    if (distance < best_distance) {
      best_distance = distance;
      best = &row;
    }
  }
  return best;
}

std::string allowed_config_values(const ConfigRow& row) {
  if (row.check != nullptr) return std::string(row.check->allowed);
  switch (row.type) {
    case ConfigType::boolean:
      return "true or false";
    case ConfigType::int16:
      return integer_range_text<std::int16_t>(row);
    case ConfigType::int32:
      return integer_range_text<std::int32_t>(row);
    case ConfigType::int64:
      return integer_range_text<std::int64_t>(row);
    case ConfigType::float64: {
      std::string allowed = "a number";
      if (row.minimum) allowed += " from " + number_text(*row.minimum);
      if (row.maximum) allowed += " to " + number_text(*row.maximum);
      return allowed;
    }
    case ConfigType::string:
    case ConfigType::list: {
      if (row.allowed.empty()) return row.type == ConfigType::list ? "words with commas between them" : "any text";
      std::string allowed = row.type == ConfigType::list ? "a list of" : "one of";
      for (auto word : row.allowed) allowed += (word == row.allowed.front() ? " " : ", ") + std::string(word);
      return allowed;
    }
    case ConfigType::class_name:
      return "the name of a Java class";
    case ConfigType::password:
      return "any text";
  }
  return {};
}

namespace {

std::string integer_text(std::string_view text) {
  auto trimmed = trim(text);
  if (trimmed.starts_with('+')) trimmed.remove_prefix(1);
  std::int64_t number = 0;
  std::from_chars(trimmed.data(), trimmed.data() + trimmed.size(), number);
  return std::to_string(number);
}

// As Java prints a double: decimal between 0.001 and 10,000,000, scientific beyond, always with a digit after the point.
std::string java_double_text(double number) {
  if (number == 0) return std::signbit(number) ? "-0.0" : "0.0";
  constexpr std::size_t longest = 400;
  char buffer[longest];
  auto magnitude = std::abs(number);
  bool decimal = magnitude >= 1e-3 && magnitude < 1e7;
  auto format = decimal ? std::chars_format::fixed : std::chars_format::scientific;
  auto [end, error] = std::to_chars(buffer, buffer + longest, number, format);
  std::string text(buffer, end);
  auto exponent_at = text.find('e');
  auto mantissa = text.substr(0, exponent_at);
  if (mantissa.find('.') == std::string::npos) mantissa += ".0";
  if (exponent_at == std::string::npos) return mantissa;
  int exponent = 0;
  auto from = exponent_at + (text[exponent_at + 1] == '+' ? 2 : 1);
  std::from_chars(text.data() + from, text.data() + text.size(), exponent);
  return mantissa + "E" + std::to_string(exponent);
}

}  // namespace

std::string canonical_config_text(const ConfigRow& row, std::string_view text) {
  switch (row.type) {
    case ConfigType::boolean:
      return equals_ignoring_case(trim(text), "true") ? "true" : "false";
    case ConfigType::int16:
    case ConfigType::int32:
    case ConfigType::int64:
      return integer_text(text);
    case ConfigType::float64: {
      auto trimmed = trim(text);
      double number = 0;
      std::from_chars(trimmed.data(), trimmed.data() + trimmed.size(), number);
      return java_double_text(number);
    }
    case ConfigType::list: {
      std::string joined;
      auto items = split_list(text);
      for (std::size_t i = 0; i < items.size(); ++i) joined += (i == 0 ? "" : ",") + items[i];
      return joined;
    }
    case ConfigType::string:
    case ConfigType::class_name:
    case ConfigType::password:
      return std::string(trim(text));
  }
  return std::string(text);
}

Status check_config_value(const ConfigRow& row, std::string_view text) {
  if (row.check != nullptr && !row.check->accepts(trim(text))) return invalid(row, text);
  switch (row.type) {
    case ConfigType::boolean: {
      auto word = trim(text);
      if (equals_ignoring_case(word, "true") || equals_ignoring_case(word, "false")) return {};
      return invalid(row, text);
    }
    case ConfigType::int16:
      return check_integer<std::int16_t>(row, text);
    case ConfigType::int32:
      return check_integer<std::int32_t>(row, text);
    case ConfigType::int64:
      return check_integer<std::int64_t>(row, text);
    case ConfigType::float64:
      return check_number(row, text);
    case ConfigType::list:
      for (const auto& item : split_list(text)) {
        if (auto checked = check_allowed(row, text, item); !checked) return checked;
      }
      return {};
    case ConfigType::string:
      return check_allowed(row, text, trim(text));
    case ConfigType::class_name:
    case ConfigType::password:
      return {};
  }
  return {};
}

Status ConfigValues::set(std::string_view name, std::string_view text) {
  const auto* row = table_->find(name);
  if (row == nullptr) return fail(ErrorKind::not_found, "unknown configuration " + std::string(name));
  if (auto checked = check_config_value(*row, text); !checked) return checked;
  values_.insert_or_assign(std::string(name), std::string(text));
  return {};
}

void ConfigValues::unset(std::string_view name) {
  if (auto at = values_.find(name); at != values_.end()) values_.erase(at);
}

bool ConfigValues::is_set(std::string_view name) const { return values_.contains(name); }

std::optional<std::string_view> ConfigValues::text(std::string_view name) const {
  if (auto at = values_.find(name); at != values_.end()) return at->second;
  const auto* row = table_->find(name);
  MILLRACE_INVARIANT(row != nullptr, "a configuration was asked for that the table has not");
  return row->default_value;
}

bool ConfigValues::boolean(std::string_view name) const {
  return equals_ignoring_case(trim(text(name).value_or("false")), "true");
}

std::int64_t ConfigValues::integer(std::string_view name) const {
  auto given = text(name);
  MILLRACE_INVARIANT(given.has_value(), "an integer configuration without a value was read");
  auto trimmed = trim(*given);
  if (trimmed.starts_with('+')) trimmed.remove_prefix(1);
  std::int64_t number = 0;
  auto [end, error] = std::from_chars(trimmed.data(), trimmed.data() + trimmed.size(), number);
  MILLRACE_INVARIANT(error == std::errc{}, "a configuration row's default is not an integer");
  return number;
}

double ConfigValues::number(std::string_view name) const {
  auto given = trim(text(name).value_or(""));
  double number = 0;
  auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), number);
  MILLRACE_INVARIANT(error == std::errc{}, "a configuration row's default is not a number");
  return number;
}

std::string ConfigValues::string(std::string_view name) const { return std::string(trim(text(name).value_or(""))); }

std::vector<std::string> ConfigValues::list(std::string_view name) const { return split_list(text(name).value_or("")); }

}  // namespace millrace

// How rows of configuration are written down: one call with name, default and documentation, and a chain of what is special.
// A row has no effect yet unless it says effective().
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "broker/base/config_table.h"

namespace millrace::server {

inline constexpr std::nullopt_t no_default = std::nullopt;

class ConfigRowBuilder {
 public:
  using Default = std::optional<std::string_view>;

  constexpr ConfigRowBuilder(std::string_view name, ConfigType type, Default default_value,
                             std::string_view documentation)
      : row_{.name = name,
             .type = type,
             .scope = ConfigScope::broker,
             .default_value = default_value,
             .documentation = documentation,
             .support = ConfigSupport::not_yet} {}

  constexpr ConfigRowBuilder at_least(double minimum) const {
    auto next = *this;
    next.row_.minimum = minimum;
    return next;
  }
  constexpr ConfigRowBuilder between(double minimum, double maximum) const {
    auto next = at_least(minimum);
    next.row_.maximum = maximum;
    return next;
  }
  constexpr ConfigRowBuilder one_of(std::span<const std::string_view> words) const {
    auto next = *this;
    next.row_.allowed = words;
    return next;
  }
  constexpr ConfigRowBuilder checked_by(const ConfigCheck& check) const {
    auto next = *this;
    next.row_.check = &check;
    return next;
  }
  // May be changed without a restart, for one broker or as the default of all.
  constexpr ConfigRowBuilder cluster_wide() const {
    auto next = *this;
    next.row_.dynamic = true;
    return next;
  }
  // May be changed without a restart, for one broker only.
  constexpr ConfigRowBuilder per_broker() const {
    auto next = cluster_wide();
    next.row_.per_broker = true;
    return next;
  }
  // A change at run time is taken, and in force from the next start on.
  constexpr ConfigRowBuilder applied_at_start() const {
    auto next = *this;
    next.row_.applied_at_start = true;
    return next;
  }
  constexpr ConfigRowBuilder internal() const {
    auto next = *this;
    next.row_.internal = true;
    return next;
  }
  // A topic's key whose default is the broker's `key`; every row of a topic may change without a restart.
  constexpr ConfigRowBuilder of_topic(std::string_view key = {}) const {
    auto next = cluster_wide();
    next.row_.scope = ConfigScope::topic;
    next.row_.synonym = key;
    return next;
  }
  constexpr ConfigRowBuilder effective() const {
    auto next = *this;
    next.row_.support = ConfigSupport::effective;
    return next;
  }
  constexpr ConfigRowBuilder not_applicable() const {
    auto next = *this;
    next.row_.support = ConfigSupport::not_applicable;
    return next;
  }

  // Implicit, so that a chain stands in an array of rows.
  constexpr operator ConfigRow() const { return row_; }  // NOLINT(google-explicit-constructor)

 private:
  ConfigRow row_;
};

using RowDefault = ConfigRowBuilder::Default;

constexpr ConfigRowBuilder boolean_row(std::string_view name, RowDefault value, std::string_view documentation) {
  return {name, ConfigType::boolean, value, documentation};
}
constexpr ConfigRowBuilder string_row(std::string_view name, RowDefault value, std::string_view documentation) {
  return {name, ConfigType::string, value, documentation};
}
constexpr ConfigRowBuilder int16_row(std::string_view name, RowDefault value, std::string_view documentation) {
  return {name, ConfigType::int16, value, documentation};
}
constexpr ConfigRowBuilder int32_row(std::string_view name, RowDefault value, std::string_view documentation) {
  return {name, ConfigType::int32, value, documentation};
}
constexpr ConfigRowBuilder int64_row(std::string_view name, RowDefault value, std::string_view documentation) {
  return {name, ConfigType::int64, value, documentation};
}
constexpr ConfigRowBuilder float64_row(std::string_view name, RowDefault value, std::string_view documentation) {
  return {name, ConfigType::float64, value, documentation};
}
constexpr ConfigRowBuilder list_row(std::string_view name, RowDefault value, std::string_view documentation) {
  return {name, ConfigType::list, value, documentation};
}
constexpr ConfigRowBuilder class_row(std::string_view name, RowDefault value, std::string_view documentation) {
  return {name, ConfigType::class_name, value, documentation};
}
constexpr ConfigRowBuilder password_row(std::string_view name, RowDefault value, std::string_view documentation) {
  return {name, ConfigType::password, value, documentation};
}

}  // namespace millrace::server

// Conditions as Kubernetes has them (metav1.Condition). lastTransitionTime moves only when status becomes another one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "broker/base/types.h"

namespace millrace::status {

enum class ConditionStatus : std::uint8_t { is_true, is_false, unknown };

[[nodiscard]] std::string_view to_string(ConditionStatus status);

struct Condition {
  std::string type;
  ConditionStatus status = ConditionStatus::unknown;
  std::string reason;   // one CamelCase word
  std::string message;  // a sentence for people
  std::int64_t observed_generation = 0;
  std::string last_transition_time;

  friend bool operator==(const Condition&, const Condition&) = default;
};

[[nodiscard]] const Condition* find_condition(const std::vector<Condition>& conditions, std::string_view type);

// `now` with the transition time that it has by what was there before.
[[nodiscard]] Condition transition(Condition now, const std::vector<Condition>& before, TimestampMs time);

[[nodiscard]] nlohmann::json to_json(const Condition& condition);
[[nodiscard]] std::vector<Condition> parse_conditions(const nlohmann::json& status);

// 2026-01-31T12:00:00Z
[[nodiscard]] std::string to_rfc3339(TimestampMs time);
// The same back; nothing where the text is not of this form.
[[nodiscard]] std::optional<TimestampMs> parse_rfc3339(const std::string& text);

}  // namespace millrace::status

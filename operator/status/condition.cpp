#include "operator/status/condition.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <nlohmann/json.hpp>

#include "operator/api/json_access.h"
#include "operator/status/text_limit.h"

namespace millrace::status {

using Json = nlohmann::json;

namespace {

constexpr std::size_t message_bytes_max = 4096;

ConditionStatus parse_status(std::string_view text) {
  if (text == "True") return ConditionStatus::is_true;
  return text == "False" ? ConditionStatus::is_false : ConditionStatus::unknown;
}

}  // namespace

std::string_view to_string(ConditionStatus status) {
  switch (status) {
    case ConditionStatus::is_true:
      return "True";
    case ConditionStatus::is_false:
      return "False";
    case ConditionStatus::unknown:
      return "Unknown";
  }
  return "Unknown";
}

const Condition* find_condition(const std::vector<Condition>& conditions, std::string_view type) {
  auto found = std::find_if(conditions.begin(), conditions.end(),
                            [&](const Condition& condition) { return condition.type == type; });
  return found == conditions.end() ? nullptr : &*found;
}

Condition transition(Condition now, const std::vector<Condition>& before, TimestampMs time) {
  now.message = keep_first(std::move(now.message), message_bytes_max);
  const Condition* had = find_condition(before, now.type);
  bool same = had != nullptr && had->status == now.status && !had->last_transition_time.empty();
  now.last_transition_time = same ? had->last_transition_time : to_rfc3339(time);
  return now;
}

Json to_json(const Condition& condition) {
  return {{"type", condition.type},
          {"status", to_string(condition.status)},
          {"reason", condition.reason},
          {"message", condition.message},
          {"observedGeneration", condition.observed_generation},
          {"lastTransitionTime", condition.last_transition_time}};
}

std::vector<Condition> parse_conditions(const Json& status) {
  std::vector<Condition> conditions;
  for (const auto& json : api::json_at(status, {"conditions"})) {
    if (!json.is_object()) continue;
    Condition condition;
    condition.type = api::text_at(json, {"type"});
    condition.status = parse_status(api::text_at(json, {"status"}));
    condition.reason = api::text_at(json, {"reason"});
    condition.message = api::text_at(json, {"message"});
    condition.last_transition_time = api::text_at(json, {"lastTransitionTime"});
    condition.observed_generation = api::integer_at(json, {"observedGeneration"}).value_or(0);
    conditions.push_back(std::move(condition));
  }
  return conditions;
}

std::string to_rfc3339(TimestampMs time) {
  std::time_t seconds = time.value() / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  auto length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), length};
}

std::optional<TimestampMs> parse_rfc3339(const std::string& text) {
  std::tm parts{};
  const char* end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return TimestampMs(static_cast<std::int64_t>(timegm(&parts)) * 1000);
}

}  // namespace millrace::status

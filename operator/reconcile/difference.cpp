#include "operator/reconcile/difference.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "operator/api/json_access.h"
#include "operator/api/quantity.h"

namespace millrace::reconcile {

using Json = nlohmann::json;

namespace {

constexpr std::array<std::string_view, 3> item_keys = {"uid", "name", "topologyKey"};

bool is_empty(const Json& json) { return json.is_null() || ((json.is_object() || json.is_array()) && json.empty()); }

bool same_quantity(const Json& live, const Json& desired) {
  if (!live.is_string() || !desired.is_string()) return false;
  auto left = api::Quantity::parse(live.get_ref<const std::string&>());
  auto right = api::Quantity::parse(desired.get_ref<const std::string&>());
  return left && right && *left == *right;
}

std::string_view common_key(const Json& list) {
  for (auto key : item_keys) {
    bool everywhere =
        std::all_of(list.begin(), list.end(), [&](const Json& item) { return !api::text_at(item, {key}).empty(); });
    if (everywhere) return key;
  }
  return {};
}

bool covers_list(const Json& live, const Json& desired) {
  auto key = common_key(desired);
  if (key.empty()) {
    return live.size() == desired.size() && std::equal(live.begin(), live.end(), desired.begin(), covers);
  }
  return std::all_of(desired.begin(), desired.end(), [&](const Json& wanted) {
    return std::any_of(live.begin(), live.end(), [&](const Json& item) {
      return api::text_at(item, {key}) == api::text_at(wanted, {key}) && covers(item, wanted);
    });
  });
}

}  // namespace

bool covers(const Json& live, const Json& desired) {
  if (desired.is_object() && live.is_object()) {
    for (const auto& [name, wanted] : desired.items()) {
      auto found = live.find(name);
      if (found == live.end() ? !is_empty(wanted) : !covers(*found, wanted)) return false;
    }
    return true;
  }
  if (desired.is_array() && live.is_array()) return covers_list(live, desired);
  return live == desired || same_quantity(live, desired) || (is_empty(live) && is_empty(desired));
}

}  // namespace millrace::reconcile

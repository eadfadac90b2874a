#include "test/operator/reconcile/field_set.h"

#include <algorithm>
#include <array>
#include <vector>

namespace millrace::kubernetes {

using Json = nlohmann::json;

namespace {

constexpr char separator = '\x1f';
constexpr std::array<const char*, 3> keys = {"uid", "name", "topologyKey"};

// The key of a list's items, "" for lists that are replaced as a whole.
std::string item_key(const Json& list) {
  for (const char* key : keys) {
    bool everywhere = !list.empty() && std::all_of(list.begin(), list.end(), [&](const Json& item) {
      return item.is_object() && item.contains(key) && item[key].is_string();
    });
    if (everywhere) return key;
  }
  return {};
}

void collect(const Json& value, const std::string& path, std::set<std::string>& fields) {
  if (value.is_object() && !value.empty()) {
    for (const auto& [name, member] : value.items()) {
      std::string below = path;
      if (!below.empty()) below += separator;
      collect(member, below + name, fields);
    }
    return;
  }
  if (value.is_array()) {
    if (auto key = item_key(value); !key.empty()) {
      for (const auto& item : value) {
        collect(item, path + separator + "[" + key + "=" + item[key].get<std::string>() + "]", fields);
      }
      return;
    }
  }
  fields.insert(path);
}

std::vector<std::string> steps_of(const std::string& path) {
  std::vector<std::string> steps(1);
  for (char c : path) {
    if (c == separator) {
      steps.emplace_back();
    } else {
      steps.back() += c;
    }
  }
  return steps;
}

std::pair<std::string, std::string> item_of(const std::string& step) {
  auto equals = step.find('=');
  return {step.substr(1, equals - 1), step.substr(equals + 1, step.size() - equals - 2)};
}

// Of a Json, or of a const one.
template <class Value>
Value* child(Value& value, const std::string& step) {
  if (!step.starts_with('[')) return value.is_object() && value.contains(step) ? &value.at(step) : nullptr;
  auto [key, wanted] = item_of(step);
  if (!value.is_array()) return nullptr;
  for (auto& item : value) {
    if (item.is_object() && item.value(key, "") == wanted) return &item;
  }
  return nullptr;
}

}  // namespace

std::set<std::string> fields_of(const Json& object) {
  std::set<std::string> fields;
  collect(object, "", fields);
  std::erase_if(fields, [](const std::string& path) {
    auto steps = steps_of(path);
    if (steps.front() == "apiVersion" || steps.front() == "kind") return true;
    return steps.front() == "metadata" &&
           (steps.size() < 2 || (steps[1] != "labels" && steps[1] != "annotations" && steps[1] != "ownerReferences"));
  });
  return fields;
}

const Json* value_at(const Json& object, const std::string& path) {
  const Json* at = &object;
  for (const auto& step : steps_of(path)) {
    at = child(*at, step);
    if (at == nullptr) return nullptr;
  }
  return at;
}

void set_value(Json& object, const std::string& path, const Json& value) {
  Json* at = &object;
  for (const auto& step : steps_of(path)) {
    Json* next = child(*at, step);
    if (next == nullptr && step.starts_with('[')) {
      if (!at->is_array()) *at = Json::array();
      auto [key, wanted] = item_of(step);
      at->push_back({{key, wanted}});
      next = &at->back();
    } else if (next == nullptr) {
      next = &(*at)[step];
    }
    at = next;
  }
  *at = value;
}

void remove_value(Json& object, const std::string& path) {
  auto steps = steps_of(path);
  auto last = steps.back();
  steps.pop_back();
  Json* at = &object;
  std::vector<std::pair<Json*, std::string>> way;
  for (const auto& step : steps) {
    way.emplace_back(at, step);
    at = child(*at, step);
    if (at == nullptr) return;
  }
  if (at->is_object()) at->erase(last);
  // An item whose every field went, goes.
  while (!way.empty()) {
    auto [parent, step] = way.back();
    way.pop_back();
    Json* item = child(*parent, step);
    if (item == nullptr || !item->is_object()) continue;
    if (step.starts_with('[') && item->empty()) {
      auto kept = Json::array();
      for (auto& each : *parent) {
        if (&each != item) kept.push_back(each);
      }
      *parent = kept;
    }
  }
}

}  // namespace millrace::kubernetes

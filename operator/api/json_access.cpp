#include "operator/api/json_access.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace millrace::api {

using Json = nlohmann::json;

const Json& json_at(const Json& json, JsonPath path) {
  static const Json nothing;
  const Json* at = &json;
  for (auto name : path) {
    if (!at->is_object()) return nothing;
    auto found = at->find(name);
    if (found == at->end()) return nothing;
    at = &*found;
  }
  return *at;
}

Json json_at(Json&& json, JsonPath path) {
  const Json& kept = json;
  return json_at(kept, path);
}

std::string text_at(const Json& json, JsonPath path) {
  const Json& value = json_at(json, path);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::optional<std::int64_t> integer_at(const Json& json, JsonPath path) {
  const Json& value = json_at(json, path);
  if (!value.is_number_integer()) return std::nullopt;
  return value.get<std::int64_t>();
}

std::string label(const Json& object, std::string_view name) { return text_at(object, {"metadata", "labels", name}); }

std::string annotation(const Json& object, std::string_view name) {
  return text_at(object, {"metadata", "annotations", name});
}

std::string object_name(const Json& object) { return text_at(object, {"metadata", "name"}); }

std::string object_uid(const Json& object) { return text_at(object, {"metadata", "uid"}); }

std::string resource_version(const Json& object) { return text_at(object, {"metadata", "resourceVersion"}); }

bool is_being_deleted(const Json& object) { return !json_at(object, {"metadata", "deletionTimestamp"}).is_null(); }

bool is_owned_by(const Json& object, std::string_view uid) {
  const Json& owners = json_at(object, {"metadata", "ownerReferences"});
  return std::any_of(owners.begin(), owners.end(), [&](const Json& owner) { return text_at(owner, {"uid"}) == uid; });
}

}  // namespace millrace::api

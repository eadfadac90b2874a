// The fields of an object as server-side apply sees them: one path for each leaf, list items by their key.
#pragma once

#include <set>
#include <string>

#include <nlohmann/json.hpp>

namespace millrace::kubernetes {

[[nodiscard]] std::set<std::string> fields_of(const nlohmann::json& object);
[[nodiscard]] const nlohmann::json* value_at(const nlohmann::json& object, const std::string& path);
void set_value(nlohmann::json& object, const std::string& path, const nlohmann::json& value);
void remove_value(nlohmann::json& object, const std::string& path);

}  // namespace millrace::kubernetes

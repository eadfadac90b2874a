// Looks into objects of the API server without trusting their shape: what is absent or of another type reads as nothing.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace millrace::api {

using JsonPath = std::initializer_list<std::string_view>;

// The value at the path of member names, or null. The reference lives as long as `json` does.
[[nodiscard]] const nlohmann::json& json_at(const nlohmann::json& json, JsonPath path);
// Of a temporary the value itself, because there is nothing to refer to afterwards.
[[nodiscard]] nlohmann::json json_at(nlohmann::json&& json, JsonPath path);
[[nodiscard]] std::string text_at(const nlohmann::json& json, JsonPath path);  // "" when there is none
[[nodiscard]] std::optional<std::int64_t> integer_at(const nlohmann::json& json, JsonPath path);

// Of objects' metadata.
[[nodiscard]] std::string label(const nlohmann::json& object, std::string_view name);
[[nodiscard]] std::string annotation(const nlohmann::json& object, std::string_view name);
[[nodiscard]] std::string object_name(const nlohmann::json& object);
[[nodiscard]] std::string object_uid(const nlohmann::json& object);
[[nodiscard]] std::string resource_version(const nlohmann::json& object);
[[nodiscard]] bool is_being_deleted(const nlohmann::json& object);
[[nodiscard]] bool is_owned_by(const nlohmann::json& object, std::string_view uid);

}  // namespace millrace::api

// A YAML file as JSON, with YAML 1.2's plain scalars, for tests of manifests.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace millrace::api {

[[nodiscard]] nlohmann::json read_yaml(const std::string& path_from_the_root);
[[nodiscard]] std::string read_file(const std::string& path_from_the_root);

}  // namespace millrace::api

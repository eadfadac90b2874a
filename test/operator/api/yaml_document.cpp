#include "test/operator/api/yaml_document.h"
#include "test/support/source_tree.h"

#include <yaml-cpp/yaml.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace millrace::api {

using Json = nlohmann::json;

namespace {

Json convert(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Map: {
      Json map = Json::object();
      for (const auto& entry : node) map[entry.first.Scalar()] = convert(entry.second);
      return map;
    }
    case YAML::NodeType::Sequence: {
      Json list = Json::array();
      for (const auto& item : node) list.push_back(convert(item));
      return list;
    }
    case YAML::NodeType::Scalar: {
      if (node.Tag() == "!") return node.Scalar();  // quoted
      auto plain = Json::parse(node.Scalar(), nullptr, false);
      return plain.is_number() || plain.is_boolean() || plain.is_null() ? plain : Json(node.Scalar());
    }
    default:
      return {};
  }
}

}  // namespace

std::string read_file(const std::string& path_from_the_root) {
  std::ifstream file(source_path(path_from_the_root));
  if (!file) throw std::runtime_error("no file " + path_from_the_root);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

Json read_yaml(const std::string& path_from_the_root) { return convert(YAML::Load(read_file(path_from_the_root))); }

}  // namespace millrace::api

#include "operator/api/field_reader.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace millrace::api {

using Json = nlohmann::json;

namespace {

const Json& empty_object() {
  static const Json empty = Json::object();
  return empty;
}

}  // namespace

FieldReader::FieldReader(const Json& object, std::string path, std::vector<std::string>& mistakes)
    : object_(&object), path_(std::move(path)), mistakes_(&mistakes) {
  if (!object.is_object()) {
    mistakes_->push_back(path_ + " must be an object");
    object_ = &empty_object();
  }
}

std::string FieldReader::path_of(std::string_view name) const {
  std::string path = path_;
  if (!path.empty() && !name.empty()) path += '.';
  return path.append(name);
}

void FieldReader::mistake(std::string_view name, std::string_view sentence) const {
  mistakes_->push_back(path_of(name).append(" ").append(sentence));
}

const Json* FieldReader::find(std::string_view name) const {
  auto found = object_->find(name);
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

bool FieldReader::has(std::string_view name) const { return find(name) != nullptr; }

std::optional<std::string> FieldReader::text(std::string_view name) const {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  mistake(name, "must be a text");
  return std::nullopt;
}

std::string FieldReader::required_text(std::string_view name) const {
  if (!has(name)) mistake(name, "is missing");
  return text(name).value_or("");
}

bool FieldReader::boolean(std::string_view name, bool fallback) const {
  const Json* value = find(name);
  if (value == nullptr) return fallback;
  if (value->is_boolean()) return value->get<bool>();
  mistake(name, "must be true or false");
  return fallback;
}

std::optional<std::int64_t> FieldReader::integer(std::string_view name, std::int64_t minimum,
                                                 std::int64_t maximum) const {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_number_integer()) {
    auto number = value->get<std::int64_t>();
    if (number >= minimum && number <= maximum) return number;
  }
  mistake(name, "must be an integer from " + std::to_string(minimum) + " to " + std::to_string(maximum));
  return std::nullopt;
}

std::optional<std::string> FieldReader::int_or_text(std::string_view name) const {
  const Json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  if (value->is_number()) return value->dump();
  mistake(name, "must be a number or a text");
  return std::nullopt;
}

std::vector<std::string> FieldReader::texts(std::string_view name) const {
  std::vector<std::string> all;
  const Json* value = find(name);
  if (value == nullptr) return all;
  if (!value->is_array()) {
    mistake(name, "must be a list of texts");
    return all;
  }
  for (const auto& item : *value) {
    if (item.is_string()) {
      all.push_back(item.get<std::string>());
    } else {
      mistake(name, "must be a list of texts");
    }
  }
  return all;
}

std::map<std::string, std::string> FieldReader::text_map(std::string_view name) const {
  std::map<std::string, std::string> all;
  const Json* value = find(name);
  if (value == nullptr) return all;
  FieldReader map(*value, path_of(name), *mistakes_);
  for (const auto& [key, unused] : map.json().items()) {
    if (auto item = map.text(key)) all.emplace(key, *item);
  }
  return all;
}

FieldReader FieldReader::object(std::string_view name) const {
  const Json* value = find(name);
  return {value == nullptr ? empty_object() : *value, path_of(name), *mistakes_};
}

void FieldReader::each(std::string_view name, const std::function<void(const FieldReader&)>& visit) const {
  const Json* value = find(name);
  if (value == nullptr) return;
  if (!value->is_array()) {
    mistake(name, "must be a list");
    return;
  }
  for (std::size_t i = 0; i < value->size(); ++i) {
    visit(FieldReader((*value)[i], path_of(name) + "[" + std::to_string(i) + "]", *mistakes_));
  }
}

}  // namespace millrace::api

#include "operator/kubernetes/list_reader.h"

#include <nlohmann/json.hpp>

namespace millrace::kubernetes {

namespace {

using Json = nlohmann::json;

// The items of a list come without the kind that the list's own tells.
void complete_item(Json& item, const ResourceType& type) {
  item.emplace("apiVersion", type.api_version());
  item.emplace("kind", std::string(type.kind));
}

std::string text_at(const Json& object, const char* key) {
  auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace

Result<ListTail> read_list(std::string_view text, const ResourceType& type, const std::function<void(Json&&)>& each) {
  constexpr int member_depth = 1;
  constexpr int item_depth = 2;
  bool in_items = false;
  auto filter = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::key && depth == member_depth) in_items = parsed == "items";
    if (event != Json::parse_event_t::object_end || depth != item_depth || !in_items) return true;
    complete_item(parsed, type);
    each(std::move(parsed));
    return false;
  };
  Json list;
  try {
    list = Json::parse(text, filter);
  } catch (const Json::parse_error& error) {
    return fail(ErrorKind::corrupt, std::string("the answer is not JSON: ") + error.what());
  }
  if (!list.is_object() || !list.contains("metadata") || !list["metadata"].is_object()) {
    return fail(ErrorKind::corrupt, "the answer is not a list");
  }
  const Json& metadata = list["metadata"];
  return ListTail{text_at(metadata, "resourceVersion"), text_at(metadata, "continue")};
}

}  // namespace millrace::kubernetes

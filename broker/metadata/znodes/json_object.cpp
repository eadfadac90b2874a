#include "broker/metadata/znodes/json_object.h"

#include <charconv>
#include <utility>

#include "broker/metadata/znode.h"

namespace millrace::metadata::znodes {

Result<JsonObject> JsonObject::parse(std::string_view text, std::string_view what) {
  JsonObject object(nlohmann::json::object(), std::string(what));
  if (text.size() > request_bytes_max) return object.corrupt("it has " + std::to_string(text.size()) + " bytes");
  object.value_ = nlohmann::json::parse(text, nullptr, false);
  if (object.value_.is_discarded()) return object.corrupt("it is not JSON");
  if (!object.value_.is_object()) return object.corrupt("it is not a JSON object");
  return object;
}

const nlohmann::json* JsonObject::find(std::string_view name) const {
  auto at = value_.find(name);
  return at == value_.end() || at->is_null() ? nullptr : &*at;
}

tl::unexpected<Error> JsonObject::corrupt(std::string_view why) const {
  return fail(ErrorKind::corrupt, what_ + " cannot be read: " + std::string(why));
}

bool JsonObject::has(std::string_view name) const { return find(name) != nullptr; }

Result<std::int64_t> JsonObject::integer(std::string_view name, std::int64_t least, std::int64_t most) const {
  const auto* value = find(name);
  if (value == nullptr) return corrupt("\"" + std::string(name) + "\" is missing");
  bool fits = value->is_number_integer() &&
              (!value->is_number_unsigned() || value->get<std::uint64_t>() <= static_cast<std::uint64_t>(most));
  if (!fits) return corrupt("\"" + std::string(name) + "\" is not an integer in its range");
  auto number = value->get<std::int64_t>();
  if (number < least || number > most) {
    return corrupt("\"" + std::string(name) + "\" is " + std::to_string(number) + ", not from " +
                   std::to_string(least) + " to " + std::to_string(most));
  }
  return number;
}

Result<std::int32_t> JsonObject::int32(std::string_view name) const {
  return integer(name, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max())
      .map([](std::int64_t number) { return static_cast<std::int32_t>(number); });
}

Result<std::string> JsonObject::text(std::string_view name) const {
  const auto* value = find(name);
  if (value == nullptr) return corrupt("\"" + std::string(name) + "\" is missing");
  if (!value->is_string()) return corrupt("\"" + std::string(name) + "\" is not a string");
  return value->get<std::string>();
}

Result<std::int64_t> JsonObject::integer_text(std::string_view name) const {
  const auto* value = find(name);
  if (value == nullptr || !value->is_string()) return integer(name);
  const auto& digits = value->get_ref<const std::string&>();
  std::int64_t number = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return corrupt("\"" + std::string(name) + "\" is not a number");
  }
  return number;
}

Result<std::vector<BrokerId>> JsonObject::broker_ids(std::string_view name) const {
  const auto* value = find(name);
  if (value == nullptr || !value->is_array())
    return corrupt("\"" + std::string(name) + "\" is not an array of broker ids");
  std::vector<BrokerId> ids;
  ids.reserve(value->size());
  for (const auto& id : *value) {
    bool fits = id.is_number_unsigned() && id.get<std::uint64_t>() <= std::numeric_limits<std::int32_t>::max();
    if (!fits) return corrupt("\"" + std::string(name) + "\" holds what is not a broker id");
    ids.emplace_back(id.get<std::int32_t>());
  }
  return ids;
}

Result<std::vector<std::string>> JsonObject::texts(std::string_view name) const {
  const auto* value = find(name);
  if (value == nullptr || !value->is_array())
    return corrupt("\"" + std::string(name) + "\" is not an array of strings");
  std::vector<std::string> texts;
  for (const auto& text : *value) {
    if (!text.is_string()) return corrupt("\"" + std::string(name) + "\" holds what is not a string");
    texts.push_back(text.get<std::string>());
  }
  return texts;
}

Result<JsonObject> JsonObject::object(std::string_view name) const {
  const auto* value = find(name);
  if (value == nullptr) return JsonObject(nlohmann::json::object(), what_);
  if (!value->is_object()) return corrupt("\"" + std::string(name) + "\" is not an object");
  return JsonObject(*value, what_);
}

std::vector<std::string> JsonObject::names() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : value_.items()) names.push_back(name);
  return names;
}

std::string json_text(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out = "\"";
  for (char character : text) {
    switch (character) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(character) < 0x20) {
          unsigned byte = static_cast<unsigned char>(character);
          out += "\\u00";
          out += digits[byte >> 4U];
          out += digits[byte & 15U];
        } else {
          out += character;
        }
    }
  }
  out += '"';
  return out;
}

std::string array_of(const std::vector<BrokerId>& ids) {
  std::string out = "[";
  for (auto id : ids) {
    if (out.size() > 1) out += ',';
    out += std::to_string(id.value());
  }
  out += ']';
  return out;
}

}  // namespace millrace::metadata::znodes

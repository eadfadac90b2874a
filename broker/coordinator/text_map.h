// A map by a name that is looked up by a view of it: groups and transactional ids come as parts of requests.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace millrace::coordinator {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};
template <class Value>
using TextMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

}  // namespace millrace::coordinator

#include "broker/metadata/znode_path.h"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace millrace::metadata {
namespace {

// Decodes the UTF-8 sequence at `at` and moves behind it; no value when it is malformed or overlong.
std::optional<std::uint32_t> next_code_point(std::string_view text, std::size_t& at) {
  auto first = static_cast<std::uint8_t>(text[at++]);
  if (first < 0x80) return first;
  std::size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
  if (first < 0xc2 || first > 0xf4 || at + more > text.size()) return std::nullopt;
  std::uint32_t code_point = first & (0x3fU >> more);
  for (std::size_t index = 0; index < more; ++index) {
    auto byte = static_cast<std::uint8_t>(text[at++]);
    if ((byte & 0xc0U) != 0x80) return std::nullopt;
    code_point = code_point << 6U | (byte & 0x3fU);
  }
  if ((more == 2 && code_point < 0x800) || (more == 3 && code_point < 0x10000)) return std::nullopt;
  return code_point;
}

bool is_allowed(std::uint32_t code_point) {
  return code_point > 0x1f && (code_point < 0x7f || code_point > 0x9f) && code_point < 0xfff0 &&
         (code_point < 0xd800 || code_point > 0xf8ff);
}

Status bad_path(std::string_view path, std::string_view why) {
  constexpr std::size_t shown_max = 200;
  return fail(ErrorKind::invalid_argument,
              "the path \"" + std::string(path.substr(0, shown_max)) + "\" is not a znode's: " + std::string(why));
}

}  // namespace

Status validate_path(std::string_view path) {
  if (path.empty() || path.front() != '/') return bad_path(path, "it must start with '/'");
  if (path.size() == 1) return {};
  if (path.back() == '/') return bad_path(path, "it must not end with '/'");
  for (std::size_t start = 1; start <= path.size();) {
    auto end = path.find('/', start);
    if (end == std::string_view::npos) end = path.size();
    auto name = path.substr(start, end - start);
    if (name.empty()) return bad_path(path, "a name in it is empty");
    if (name == "." || name == "..") return bad_path(path, "\".\" and \"..\" are not names");
    for (std::size_t at = 0; at < name.size();) {
      auto code_point = next_code_point(name, at);
      if (!code_point) return bad_path(path, "it is not UTF-8");
      if (!is_allowed(*code_point)) return bad_path(path, "it has a control character or one that ZooKeeper refuses");
    }
    start = end + 1;
  }
  return {};
}

std::string_view parent_path(std::string_view path) {
  if (path.size() <= 1) return {};
  auto slash = path.rfind('/');
  return slash == 0 ? path.substr(0, 1) : path.substr(0, slash);
}

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string child_path(std::string_view parent, std::string_view name) {
  std::string path;
  path.reserve(parent.size() + 1 + name.size());
  path = parent;
  if (path.back() != '/') path += '/';
  path += name;
  return path;
}

}  // namespace millrace::metadata

#include "broker/controller/topic_name.h"

#include <algorithm>

namespace millrace::controller {
namespace {

constexpr std::size_t longest_name = 249;

bool is_allowed(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

}  // namespace

Status check_topic_name(std::string_view name) {
  auto invalid = [](const std::string& why) {
    return fail(ErrorKind::invalid_argument, "Topic name is invalid: " + why);
  };
  if (name.empty()) return invalid("the empty string is not allowed");
  if (name == "." || name == "..") return invalid("'" + std::string(name) + "' is not allowed");
  if (name.size() > longest_name)
    return invalid("the length of '" + std::string(name) + "' is longer than the max allowed length 249");
  if (!std::ranges::all_of(name, is_allowed)) {
    return invalid("'" + std::string(name) +
                   "' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'");
  }
  return {};
}

bool topic_names_collide(std::string_view left, std::string_view right) {
  auto unified = [](char c) { return c == '.' ? '_' : c; };
  return std::ranges::equal(left, right, {}, unified, unified);
}

bool is_internal_topic(std::string_view name) { return name == "__consumer_offsets" || name == "__transaction_state"; }

}  // namespace millrace::controller

#include <string>
#include <utility>
#include <vector>

#include "broker/base/config_table.h"

namespace millrace {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\f'; }

// Joins the natural lines of one logical line: a line that ends in an odd number of backslashes goes on in the next.
bool next_logical_line(std::string_view& rest, std::string& line, std::size_t& line_number) {
  line.clear();
  bool continued = false;
  while (!rest.empty()) {
    auto end = rest.find_first_of("\r\n");
    auto natural = rest.substr(0, end);
    if (end == std::string_view::npos) {
      rest = {};
    } else {
      rest.remove_prefix(end + (rest.substr(end, 2) == "\r\n" ? 2 : 1));
    }
    ++line_number;
    while (!natural.empty() && is_blank(natural.front())) natural.remove_prefix(1);
    if (!continued && (natural.empty() || natural.front() == '#' || natural.front() == '!')) continue;
    std::size_t slashes = 0;
    while (slashes < natural.size() && natural[natural.size() - 1 - slashes] == '\\') ++slashes;
    continued = slashes % 2 == 1;
    line += continued ? natural.substr(0, natural.size() - 1) : natural;
    if (!continued) return true;
  }
  return continued || !line.empty();
}

void append_utf8(std::string& text, std::uint32_t code) {
  if (code < 0x80) {
    text.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    text.push_back(static_cast<char>(0xc0 | (code >> 6)));
    text.push_back(static_cast<char>(0x80 | (code & 0x3f)));
  } else {
    text.push_back(static_cast<char>(0xe0 | (code >> 12)));
    text.push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3f)));
    text.push_back(static_cast<char>(0x80 | (code & 0x3f)));
  }
}

Result<std::string> unescape(std::string_view raw, std::size_t line_number) {
  std::string text;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\' || i + 1 == raw.size()) {
      text.push_back(raw[i]);
      continue;
    }
    char escaped = raw[++i];
    switch (escaped) {
      case 't':
        text.push_back('\t');
        break;
      case 'n':
        text.push_back('\n');
        break;
      case 'r':
        text.push_back('\r');
        break;
      case 'f':
        text.push_back('\f');
        break;
      case 'u': {
        auto digits = raw.substr(i + 1, 4);
        std::uint32_t code = 0;
        for (char digit : digits) {
          auto value = std::string_view("0123456789abcdef").find(static_cast<char>(digit | 0x20));
          if (value == std::string_view::npos) digits = {};
          code = code * 16 + static_cast<std::uint32_t>(value);
        }
        if (digits.size() != 4) {
          return fail(ErrorKind::invalid_argument,
                      "line " + std::to_string(line_number) + ": \\u needs four hexadecimal digits");
        }
        append_utf8(text, code);
        i += 4;
        break;
      }
      default:
        text.push_back(escaped);
    }
  }
  return text;
}

}  // namespace

Result<std::vector<std::pair<std::string, std::string>>> parse_properties(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> pairs;
  std::string line;
  std::size_t line_number = 0;
  while (next_logical_line(text, line, line_number)) {
    std::size_t key_end = 0;
    while (key_end < line.size() && !is_blank(line[key_end]) && line[key_end] != '=' && line[key_end] != ':')
      key_end += line[key_end] == '\\' ? 2 : 1;
    key_end = std::min(key_end, line.size());
    std::size_t value_start = key_end;
    while (value_start < line.size() && is_blank(line[value_start])) ++value_start;
    if (value_start < line.size() && (line[value_start] == '=' || line[value_start] == ':')) ++value_start;
    while (value_start < line.size() && is_blank(line[value_start])) ++value_start;
    auto key = unescape(std::string_view(line).substr(0, key_end), line_number);
    if (!key) return tl::unexpected(key.error());
    auto value = unescape(std::string_view(line).substr(value_start), line_number);
    if (!value) return tl::unexpected(value.error());
    pairs.emplace_back(std::move(*key), std::move(*value));
  }
  return pairs;
}

}  // namespace millrace

#include "operator/status/text_limit.h"

namespace millrace::status {
namespace {

bool continues_a_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

}  // namespace

std::string keep_first(std::string text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  while (end > 0 && continues_a_character(text[end])) --end;
  text.resize(end);
  return text;
}

std::string keep_last(std::string text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t start = text.size() - bytes_max;
  while (start < text.size() && continues_a_character(text[start])) ++start;
  return text.substr(start);
}

}  // namespace millrace::status

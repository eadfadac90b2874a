#include "operator/kubernetes/base64.h"

#include <cstdint>

namespace millrace::kubernetes {

std::optional<std::string> base64_decoded(std::string_view text) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string decoded;
  decoded.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int bit_count = 0;
  std::size_t digit_count = 0;
  std::size_t padding = 0;
  for (char character : text) {
    if (character == ' ' || character == '\n' || character == '\r' || character == '\t') continue;
    if (character == '=') {
      ++padding;
      continue;
    }
    std::size_t value = alphabet.find(character);
    if (value == std::string_view::npos || padding > 0) return std::nullopt;
    ++digit_count;
    bits = (bits << 6 | static_cast<std::uint32_t>(value)) & 0xffffff;
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      decoded += static_cast<char>(bits >> bit_count & 0xff);
    }
  }
  bool whole = (digit_count + padding) % 4 == 0 || padding == 0;
  if (!whole || padding > 2 || digit_count % 4 == 1) return std::nullopt;
  return decoded;
}

}  // namespace millrace::kubernetes

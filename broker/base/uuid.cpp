#include "broker/base/uuid.h"

#include "broker/base/random.h"

namespace millrace {
namespace {

constexpr std::string_view base64_url_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t text_length = 22;

}  // namespace

Uuid Uuid::random(Random& random) {
  while (true) {
    Uuid uuid;
    random.fill(uuid.bytes);
    uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0f) | 0x40);
    uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);
    // A leading '-' would read as an option on a command line.
    if (to_string(uuid).front() != '-') return uuid;
  }
}

std::string to_string(const Uuid& uuid) {
  std::string text;
  text.reserve(text_length);
  for (std::size_t i = 0; i < uuid.bytes.size(); i += 3) {
    std::uint32_t group = static_cast<std::uint32_t>(uuid.bytes[i]) << 16;
    if (i + 1 < uuid.bytes.size()) group |= static_cast<std::uint32_t>(uuid.bytes[i + 1]) << 8;
    if (i + 2 < uuid.bytes.size()) group |= uuid.bytes[i + 2];
    for (int shift = 18; shift >= 0 && text.size() < text_length; shift -= 6)
      text.push_back(base64_url_alphabet[(group >> shift) & 63]);
  }
  return text;
}

Result<Uuid> Uuid::parse(std::string_view text) {
  auto wrong = [&] {
    return fail(ErrorKind::invalid_argument,
                "'" + std::string(text) + "' is not a Kafka UUID: 22 characters of URL-safe base64 are expected");
  };
  if (text.size() != text_length) return wrong();
  Uuid uuid;
  std::uint32_t bits = 0;
  int bit_count = 0;
  std::size_t at = 0;
  for (char c : text) {
    auto digit = base64_url_alphabet.find(c);
    if (digit == std::string_view::npos) return wrong();
    bits = (bits << 6) | static_cast<std::uint32_t>(digit);
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      if (at < uuid.bytes.size()) uuid.bytes[at++] = static_cast<std::uint8_t>(bits >> bit_count);
    }
  }
  if (to_string(uuid) != text) return wrong();  // bits past the 128th are set
  return uuid;
}

}  // namespace millrace

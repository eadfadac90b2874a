// The golden data of test/compat/golden, parsed.
#pragma once

#include <cstdint>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "broker/protocol/any_message.h"
#include "broker/protocol/api_key.h"
#include "broker/protocol/versions.h"
#include "test/support/source_tree.h"

namespace millrace::protocol::test {

inline std::vector<std::uint8_t> from_hex(std::string_view text) {
  const auto digit = [](char character) { return character <= '9' ? character - '0' : character - 'a' + 10; };
  std::vector<std::uint8_t> bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t at = 0; at + 1 < text.size(); at += 2)
    bytes.push_back(static_cast<std::uint8_t>(digit(text[at]) * 16 + digit(text[at + 1])));
  return bytes;
}

// The lines of a golden file without its comments.
inline std::vector<std::string> golden_lines(const std::string& name) {
  std::ifstream file(source_path("test/compat/golden/" + name));
  if (!file) throw std::runtime_error("no golden file " + name);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.front() != '#') lines.push_back(line);
  }
  return lines;
}

inline MessageKind message_kind(std::string_view word) {
  return word == "request" ? MessageKind::request : MessageKind::response;
}

struct GoldenFrame {
  ApiKey key;
  MessageKind kind;
  Version version;
  std::string variant;
  std::vector<std::uint8_t> bytes;  // header and body

  [[nodiscard]] std::string name() const {
    return std::string(to_string(key)) + (kind == MessageKind::request ? " request" : " response") + " version " +
           std::to_string(version) + " " + variant;
  }
};

inline std::vector<GoldenFrame> golden_frames(const std::string& name) {
  std::vector<GoldenFrame> frames;
  for (const std::string& line : golden_lines(name)) {
    std::istringstream words(line);
    int key = 0;
    Version version = 0;
    std::string kind;
    std::string variant;
    std::string hex;
    words >> key >> kind >> version >> variant >> hex;
    frames.push_back({static_cast<ApiKey>(key), message_kind(kind), version, variant, from_hex(hex)});
  }
  return frames;
}

}  // namespace millrace::protocol::test

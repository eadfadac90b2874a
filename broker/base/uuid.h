// Kafka's Uuid: 16 bytes, written as URL-safe base64 without padding (22 characters). Topic ids and cluster ids.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "broker/base/result.h"

namespace millrace {

class Random;

struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  friend auto operator<=>(const Uuid&, const Uuid&) = default;
  [[nodiscard]] bool is_zero() const { return *this == Uuid{}; }

  // A random version 4 UUID that Kafka would also hand out: neither of its reserved ones, no leading '-' in its text
  // (org.apache.kafka.common.Uuid.randomUuid).
  static Uuid random(Random& random);
  // Exactly the 22 characters that to_string gives; another text is ErrorKind::invalid_argument.
  static Result<Uuid> parse(std::string_view text);
};

std::string to_string(const Uuid& uuid);

using TopicId = Uuid;

}  // namespace millrace

template <>
struct std::hash<millrace::Uuid> {
  std::size_t operator()(const millrace::Uuid& uuid) const noexcept {
    std::uint64_t word;
    std::memcpy(&word, uuid.bytes.data(), sizeof word);
    return static_cast<std::size_t>(word);
  }
};

// What holds for any bytes that are decoded as any message.
#pragma once

#include <cstddef>
#include <string>

#include "broker/protocol/any_message.h"
#include "test/fuzz/fuzz_input.h"

namespace millrace::fuzz {

// A decode never leaves its input nor its memory bound; what it takes is written again to bytes that give the same
// message.
inline void check_stability(protocol::ApiKey key, protocol::Version version, protocol::MessageKind kind,
                            BytesView body) {
  const auto message = protocol::make_message(key, kind);
  require(message != nullptr, "the registry knows an API that cannot be made");
  constexpr std::size_t limit_bytes = std::size_t{32} << 20;
  std::size_t consumed = 0;
  std::size_t used = 0;
  const auto decoded =
      message->decode(body, version, &consumed, {.memory_limit_bytes = limit_bytes, .used_memory_bytes = &used});
  if (!decoded) {
    require(!decoded.error().message.empty(), "an error without words");
    return;
  }
  require(consumed <= body.size(), "more was read than is there");
  require(used <= limit_bytes, "the memory bound was exceeded");
  const auto encoded = message->encode(version);
  require(encoded.has_value(),
          "what was decoded cannot be encoded: " + (encoded ? std::string() : encoded.error().message));
  require(message->encoded_size(version).value() == encoded->size(), "the size is another than the encoding's");
  const auto again = protocol::make_message(key, kind);
  std::size_t consumed_again = 0;
  require(again->decode(*encoded, version, &consumed_again) && consumed_again == encoded->size(),
          "what was encoded cannot be decoded");
  // By bytes: a quota that is no number does not equal itself.
  const auto written_again = again->encode(version);
  require(written_again.has_value() && *written_again == *encoded,
          "decoded again it is another message: " + message->dump(version));
  require(message->dump(version, 4096).size() <= 4096 + 8, "the dump exceeds its limit");
}

}  // namespace millrace::fuzz

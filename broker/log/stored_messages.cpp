#include "broker/log/stored_messages.h"

#include <string>
#include <utility>

namespace millrace::log {
namespace {

using protocol::TimestampType;

tl::unexpected<Error> corrupt_message(Offset offset, const std::string& what) {
  return fail(ErrorKind::corrupt, "message at offset " + std::to_string(offset.value()) + ": " + what);
}

}  // namespace

Result<std::vector<StoredMessage>> stored_messages(const protocol::LegacyMessage& outer,
                                                   std::vector<std::uint8_t>& plain) {
  if (!outer.is_compressed()) return std::vector{StoredMessage{outer.offset, outer.timestamp, outer.key, outer.value}};
  if (!outer.value) return corrupt_message(outer.offset, "it is compressed and has no value");
  auto framing = outer.magic == 0 ? protocol::Framing::magic_0 : protocol::Framing::standard;
  auto expanded = protocol::decompress(outer.attributes.codec(), *outer.value, stored_limits, framing);
  if (!expanded)
    return fail(expanded.error().kind,
                "message at offset " + std::to_string(outer.offset.value()) + ": " + expanded.error().message);
  plain = std::move(*expanded);
  const bool by_log = outer.magic > 0 && outer.attributes.timestamp_type() == TimestampType::log_append_time;
  std::vector<StoredMessage> messages;
  protocol::LegacyMessageReader reader(plain);
  for (;;) {
    auto more = reader.next();
    if (!more) return corrupt_message(outer.offset, more.error().message);
    if (!*more) break;
    const auto& inner = reader.message();
    if (inner.is_compressed()) return corrupt_message(outer.offset, "a message inside it is compressed too");
    if (inner.magic != outer.magic)
      return corrupt_message(outer.offset, "a message inside it has magic " + std::to_string(inner.magic) +
                                               " and it has " + std::to_string(outer.magic));
    messages.push_back({inner.offset, by_log ? outer.timestamp : inner.timestamp, inner.key, inner.value});
  }
  if (messages.empty()) return corrupt_message(outer.offset, "it is compressed and has no message inside");
  if (outer.magic > 0) {
    // Relative to the first one; the outer offset is that of the last.
    const Offset first = outer.offset - messages.back().offset.value();
    for (auto& message : messages) message.offset = first + message.offset.value();
  }
  return messages;
}

}  // namespace millrace::log

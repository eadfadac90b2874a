#include "broker/protocol/dump_fields.h"

#include <algorithm>

namespace millrace::protocol {

std::string DumpText::take() {
  if (is_full()) {
    text_.resize(limit_bytes_);
    text_ += "…";
  }
  return std::move(text_);
}

void DumpText::start_field(const char* name) {
  if (!std::exchange(first_, false)) text_ += ", ";
  text_.append("\"").append(name).append("\": ");
}

void DumpText::value(const ErrorCode& code) {
  text_ += std::to_string(static_cast<int>(code));
  if (code != ErrorCode::none) text_.append(" /* ").append(to_string(code)).append(" */");
}

void DumpText::value(const Uuid& uuid) { text_.append("\"").append(millrace::to_string(uuid)).append("\""); }

// Strings come from the network: whatever could break a log line or a terminal is escaped.
void DumpText::value(const String& string) {
  constexpr char digits[] = "0123456789abcdef";
  const std::size_t room = limit_bytes_ - std::min(limit_bytes_, text_.size());
  text_ += '"';
  for (const char character : string.substr(0, room)) {
    const auto byte = static_cast<unsigned char>(character);
    if (character == '"' || character == '\\') {
      text_ += '\\';
      text_ += character;
    } else if (byte < 0x20 || byte >= 0x7f) {
      text_.append("\\x").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
    } else {
      text_ += character;
    }
  }
  text_ += '"';
}

void DumpText::value(const Bytes& bytes) {
  text_.append("\"<").append(std::to_string(bytes.size())).append(" bytes>\"");
}

void DumpText::value(const Records& records) {
  if (records.is_null()) {
    text_ += "null";
  } else {
    text_.append("\"<").append(std::to_string(records.size_bytes())).append(" bytes of records>\"");
  }
}

}  // namespace millrace::protocol

#include "broker/protocol/encode_fields.h"

namespace millrace::protocol {
namespace {

constexpr std::size_t bytes_limit = 0x7ffffffe;

}  // namespace

void EncodeState::fail(const char* field, const std::string& what) {
  if (!error)
    error = Error{ErrorKind::invalid_argument, std::string("field '").append(field).append("': ").append(what)};
}

std::size_t ValueSize::operator()(const String& value) const {
  if (value.size() > string_limit_bytes) {
    state.fail(name, "a string of " + std::to_string(value.size()) + " bytes; the limit is " +
                         std::to_string(string_limit_bytes));
  }
  return state.length_size(value.size(), 2, compact) + value.size();
}

std::size_t ValueSize::operator()(const Bytes& value) const {
  if (value.size() > bytes_limit) state.fail(name, std::to_string(value.size()) + " bytes do not fit one field");
  return state.length_size(value.size(), 4, compact) + value.size();
}

std::size_t ValueSize::operator()(const Records& value) const {
  if (value.is_null()) {
    if (!may_be_null) state.fail_null(name);
    return compact ? 1 : 4;
  }
  if (value.size_bytes() > bytes_limit)
    state.fail(name, std::to_string(value.size_bytes()) + " bytes do not fit one field");
  if (!value.is_copied()) state.spliced_bytes += value.size_bytes();
  return state.length_size(value.size_bytes(), 4, compact) + value.size_bytes();
}

void ValueWrite::operator()(const Records& value) const {
  if (value.is_null()) return null_length<std::uint32_t>();
  length<std::uint32_t>(value.size_bytes());
  if (value.is_copied()) {
    writer.bytes(value.bytes());
  } else {
    writer.splice(value);
  }
}

}  // namespace millrace::protocol

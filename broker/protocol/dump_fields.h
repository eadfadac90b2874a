// Writes a described struct as JSON-like text for logs and tests: only the fields of its version, bytes and records as their size,
// secrets as "hidden". Bounded: beyond the limit it ends with "…".
// Included by messages/*.cpp and sources of this layer only.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "broker/protocol/api_key.h"
#include "broker/protocol/error_code.h"
#include "broker/protocol/wire_value.h"

namespace millrace::protocol {

class DumpText {
 public:
  DumpText(Version version, std::size_t limit_bytes) : version_(version), limit_bytes_(limit_bytes) {}

  template <WireStruct S>
  void structure(const S& value) {
    text_ += '{';
    const bool outer_first = std::exchange(first_, true);
    S::describe(value, *this);
    first_ = outer_first;
    text_ += '}';
  }

  template <class T, class... Attributes>
  void operator()(const char* name, const T& member, Attributes... attributes) {
    const FieldSpec spec = field_spec(attributes...);
    if (!spec.versions.contains(version_) || is_full()) return;
    start_field(name);
    if (spec.is_secret) {
      text_ += "\"hidden\"";
    } else {
      value(member);
    }
  }

  [[nodiscard]] std::string take();

 private:
  [[nodiscard]] bool is_full() const { return text_.size() >= limit_bytes_; }
  void start_field(const char* name);

  template <WireNumber T>
  void value(const T& number) {
    if constexpr (std::is_same_v<T, bool>) {
      text_ += number ? "true" : "false";
    } else if constexpr (IsStrongNumber<T>::value) {
      text_ += std::to_string(number.value());
    } else if constexpr (std::is_enum_v<T>) {
      text_ += std::to_string(static_cast<std::underlying_type_t<T>>(number));
    } else {
      text_ += std::to_string(number);
    }
  }
  void value(const ErrorCode& code);
  void value(const Uuid& uuid);
  void value(const String& string);
  void value(const Bytes& bytes);
  void value(const Records& records);
  template <WireStruct S>
  void value(const S& nested) {
    structure(nested);
  }
  template <class T>
  void value(const std::optional<T>& nullable) {
    if (nullable) {
      value(*nullable);
    } else {
      text_ += "null";
    }
  }
  template <class T>
  void value(const std::vector<T>& array) {
    text_ += '[';
    for (std::size_t index = 0; index < array.size() && !is_full(); ++index) {
      if (index != 0) text_ += ", ";
      value(array[index]);
    }
    text_ += ']';
  }

  Version version_;
  std::size_t limit_bytes_;
  bool first_ = true;
  std::string text_;
};

}  // namespace millrace::protocol

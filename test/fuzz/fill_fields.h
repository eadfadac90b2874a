// Fills a message from a fuzzer's bytes, by its own declaration: every field that the version has gets a value that
// the version can carry.
#pragma once

#include <string_view>
#include <type_traits>

#include "broker/protocol/wire_value.h"
#include "test/fuzz/fuzz_input.h"

namespace millrace::fuzz {

class FillFields {
 public:
  FillFields(FuzzInput& input, protocol::Version version) : input_(input), version_(version) {}

  template <class T, class... Attributes>
  void operator()(const char* /*name*/, T& member, Attributes... attributes) {
    const auto spec = protocol::field_spec(attributes...);
    if (!spec.versions.contains(version_)) return;
    // A tagged field is most often left at its default.
    if (spec.is_tagged() && input_.byte() % 4 != 0) return;
    value(member, spec.nullable_versions.contains(version_));
  }

 private:
  static constexpr std::size_t depth_limit = 8;
  static constexpr std::size_t element_limit = 2000;  // of a whole message

  template <protocol::WireNumber T>
  void value(T& into, bool /*nullable*/) {
    auto wire = input_.integer<protocol::WireInteger<T>>();
    if constexpr (std::is_same_v<T, bool>) wire &= 1;
    into = protocol::from_wire<T>(wire);
  }
  void value(Uuid& into, bool /*nullable*/) {
    for (auto& byte : into.bytes) byte = input_.byte();
  }
  void value(protocol::String& into, bool /*nullable*/) { into = text(); }
  void value(protocol::NullableString& into, bool nullable) {
    into = nullable && is_null() ? protocol::NullableString() : protocol::NullableString(text());
  }
  void value(protocol::Bytes& into, bool /*nullable*/) { into = bytes(); }
  void value(protocol::NullableBytes& into, bool nullable) {
    into = nullable && is_null() ? protocol::NullableBytes() : protocol::NullableBytes(bytes());
  }
  void value(protocol::Records& into, bool nullable) {
    into = nullable && is_null() ? protocol::Records() : protocol::Records(bytes());
  }
  template <protocol::WireStruct S>
  void value(S& into, bool /*nullable*/) {
    S::describe(into, *this);
  }
  template <protocol::WireStruct S>
  void value(std::optional<S>& into, bool nullable) {
    into.reset();
    if (nullable && is_null()) return;
    value(into.emplace(S{}), false);
  }
  template <class T>
  void value(std::optional<std::vector<T>>& into, bool nullable) {
    into.reset();
    if (nullable && is_null()) return;
    value(into.emplace(), false);
  }
  template <class T>
  void value(std::vector<T>& into, bool /*nullable*/) {
    into.clear();
    if (depth_ == depth_limit) return;
    ++depth_;
    auto count = input_.empty() ? 0 : count_of(input_.byte());
    for (; count > 0 && elements_ < element_limit; --count) {
      ++elements_;
      value(into.emplace_back(), false);
    }
    --depth_;
  }

  // Long arrays are rare: their counts take more than one byte on the wire.
  static std::size_t count_of(std::uint8_t byte) { return byte < 0xf0 ? byte % 4 : 120 + byte % 16; }
  bool is_null() { return input_.byte() % 4 == 0; }
  BytesView bytes() {
    const auto length = input_.byte();
    return input_.bytes(length < 0xf0 ? length % 16 : std::size_t{length} * 8);
  }
  std::string_view text() {
    const auto view = bytes();
    return {reinterpret_cast<const char*>(view.data()), view.size()};
  }

  FuzzInput& input_;
  protocol::Version version_;
  std::size_t depth_ = 0;
  std::size_t elements_ = 0;
};

}  // namespace millrace::fuzz

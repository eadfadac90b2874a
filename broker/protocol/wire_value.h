// What the members of messages are to the codec: numbers with a representation, views, arrays, nullables, described structs.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <vector>

#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/protocol/fields.h"
#include "broker/protocol/records.h"

namespace millrace::protocol {

template <class T>
struct IsStrongNumber : std::false_type {};
template <class Tag, class Rep>
struct IsStrongNumber<StrongNumber<Tag, Rep>> : std::true_type {};

template <class T>
struct IsArray : std::false_type {};
template <class T>
struct IsArray<std::vector<T>> : std::true_type {};

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <class T>
concept WireNumber = std::integral<T> || std::floating_point<T> || std::is_enum_v<T> || IsStrongNumber<T>::value;

// A number's bytes on the wire, as an unsigned integer of the same width.
template <WireNumber T>
constexpr auto to_wire(T value) {
  if constexpr (std::is_same_v<T, bool>) {
    return static_cast<std::uint8_t>(value ? 1 : 0);
  } else if constexpr (IsStrongNumber<T>::value) {
    return static_cast<std::make_unsigned_t<typename T::Representation>>(value.value());
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<std::make_unsigned_t<std::underlying_type_t<T>>>(value);
  } else if constexpr (std::is_same_v<T, double>) {
    return std::bit_cast<std::uint64_t>(value);
  } else {
    return static_cast<std::make_unsigned_t<T>>(value);
  }
}

template <WireNumber T>
using WireInteger = decltype(to_wire(T{}));

template <WireNumber T>
constexpr T from_wire(WireInteger<T> wire) {
  if constexpr (std::is_same_v<T, bool>) {
    return wire != 0;
  } else if constexpr (IsStrongNumber<T>::value) {
    return T(static_cast<typename T::Representation>(wire));
  } else if constexpr (std::is_same_v<T, double>) {
    return std::bit_cast<double>(wire);
  } else {
    return static_cast<T>(wire);
  }
}

template <class T>
concept WireStruct = std::is_class_v<T> && requires(T& value, int& any) { T::describe(value, any); };

constexpr int unsigned_varint_size(std::uint32_t value) { return value == 0 ? 1 : (std::bit_width(value) + 6) / 7; }

// The longest string of Kafka's protocol, in classic and compact form.
inline constexpr std::size_t string_limit_bytes = 0x7fff;

}  // namespace millrace::protocol

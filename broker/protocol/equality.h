// Messages are equal when all their fields are, as their declarations list them. Works through describe, so that no message needs
// an operator of its own and views compare by their bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include "broker/protocol/wire_value.h"

namespace millrace::protocol {

// The member of `other` at the place that `member` has in `self`: two objects of one struct have their members at the same distance.
template <class S, class T>
const T& same_member(const S& self, const T& member, const S& other) {
  const auto distance = reinterpret_cast<const std::byte*>(&member) - reinterpret_cast<const std::byte*>(&self);
  return *reinterpret_cast<const T*>(reinterpret_cast<const std::byte*>(&other) + distance);
}

template <WireStruct S>
bool operator==(const S& left, const S& right);

template <class T>
bool same(const T& left, const T& right) {
  return left == right;
}
inline bool same(Bytes left, Bytes right) { return std::ranges::equal(left, right); }
inline bool same(const NullableBytes& left, const NullableBytes& right) {
  return left.has_value() == right.has_value() && (!left || std::ranges::equal(*left, *right));
}

template <class S>
class EqualFields {
 public:
  EqualFields(const S& left, const S& right) : left_(left), right_(right) {}

  template <class T, class... Attributes>
  void operator()(const char* /*name*/, const T& member, Attributes... /*attributes*/) {
    equal_ = equal_ && same(member, same_member(left_, member, right_));
  }
  [[nodiscard]] bool equal() const { return equal_; }

 private:
  const S& left_;
  const S& right_;
  bool equal_ = true;
};

template <WireStruct S>
bool operator==(const S& left, const S& right) {
  EqualFields<S> fields(left, right);
  S::describe(left, fields);
  return fields.equal();
}

// A struct as its member initialisers make it: Kafka's defaults.
template <WireStruct S>
const S& default_instance() {
  static const S instance{};
  return instance;
}

}  // namespace millrace::protocol

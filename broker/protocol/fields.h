// The vocabulary in which a message is declared once, as a struct with
//
//   template <class Self, class Fields>
//   static void describe(Self& self, Fields& field) {
//     field("partition_index", self.partition_index);
//     field("current_leader_epoch", self.current_leader_epoch, since(4), ignorable);
//     field("rack", self.rack, since(1), nullable(1), ignorable);
//     field("node_endpoints", self.node_endpoints, since(10), tag(0));
//   }
//
// Decode, encode, size, dump and equality all call describe with another `Fields`; nothing else knows the order of the fields.
// The rules are those of Kafka's schemas (clients/src/main/resources/common/message/README.md):
// - since / between: the versions that have the field, all when not given;
// - nullable: the versions in which it may be null; the member is a std::optional;
// - tag: the field stands in the tagged section (KIP-482) and only when it differs from its default. Tags are declared in
//   ascending order;
// - a member's initialiser is Kafka's default: the value after decoding a version that lacks the field. A nullable field for which
//   the schema names no default is empty, not null;
// - ignorable: encoding a version that lacks the field drops its value; without it a value other than the default is an error.
//
// Members may be bool, integers, double, enums, StrongNumber, Uuid, String, Bytes, Records, structs that are described,
// std::vector and std::optional of these. String, Bytes and Records are views: after decode into the request's buffer, before
// encode into whatever the caller filled in. Whoever holds the message keeps those bytes alive.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/protocol/versions.h"

namespace millrace::protocol {

using String = std::string_view;
using NullableString = std::optional<std::string_view>;
using Bytes = BytesView;
using NullableBytes = std::optional<BytesView>;

template <class T>
using Array = std::vector<T>;
template <class T>
using NullableArray = std::optional<std::vector<T>>;

struct Nullable {
  Versions versions;
};
struct Tag {
  std::int16_t number;
};
struct Ignorable {};
struct Secret {};
struct NeverCompact {};

constexpr Nullable nullable(Version first = 0) { return {since(first)}; }
constexpr Tag tag(std::int16_t number) { return {number}; }
inline constexpr Ignorable ignorable{};
inline constexpr Secret secret{};  // dumped as "hidden"
inline constexpr NeverCompact
    never_compact{};  // a string of two length bytes in flexible versions too (the header's client id)

// What the attributes of one field add up to.
struct FieldSpec {
  Versions versions{};
  Versions nullable_versions = no_versions;
  std::int16_t tag_number = -1;
  bool is_ignorable = false;
  bool is_secret = false;
  bool is_never_compact = false;

  [[nodiscard]] constexpr bool is_tagged() const { return tag_number >= 0; }

  constexpr void add(Versions range) { versions = range; }
  constexpr void add(Nullable attribute) { nullable_versions = attribute.versions; }
  constexpr void add(Tag attribute) { tag_number = attribute.number; }
  constexpr void add(Ignorable /*attribute*/) { is_ignorable = true; }
  constexpr void add(Secret /*attribute*/) { is_secret = true; }
  constexpr void add(NeverCompact /*attribute*/) { is_never_compact = true; }
};

template <class... Attributes>
constexpr FieldSpec field_spec(Attributes... attributes) {
  FieldSpec spec;
  (spec.add(attributes), ...);
  return spec;
}

}  // namespace millrace::protocol

// Reads a described struct: the codec's half that faces strangers. Every count and length is checked against the bytes that
// remain before anything is allocated, and all arrays together against DecodeOptions.
// Included by messages/*.cpp and headers of this layer only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/protocol/message.h"
#include "broker/protocol/wire_reader.h"
#include "broker/protocol/wire_value.h"

namespace millrace::protocol {

template <class T>
std::size_t minimum_wire_size(Version version, bool flexible);

// Adds up the fewest bytes that a struct's fields can take, so that an array's count can be judged before it is allocated.
class MinimumSizeFields {
 public:
  MinimumSizeFields(Version version, bool flexible) : version_(version), flexible_(flexible) {}

  template <class T, class... Attributes>
  void operator()(const char* /*name*/, const T& /*member*/, Attributes... attributes) {
    const FieldSpec spec = field_spec(attributes...);
    if (spec.versions.contains(version_) && !spec.is_tagged()) {
      size_bytes_ += minimum_wire_size<T>(version_, flexible_ && !spec.is_never_compact);
    }
  }
  [[nodiscard]] std::size_t size_bytes() const { return size_bytes_ + (flexible_ ? 1 : 0); }

 private:
  Version version_;
  bool flexible_;
  std::size_t size_bytes_ = 0;
};

template <class T>
std::size_t minimum_wire_size(Version version, bool flexible) {
  if constexpr (WireNumber<T>) {
    return sizeof(WireInteger<T>);
  } else if constexpr (std::is_same_v<T, Uuid>) {
    return sizeof(Uuid);
  } else if constexpr (std::is_same_v<T, String>) {
    return flexible ? 1 : 2;
  } else if constexpr (WireStruct<T>) {
    const T instance{};
    MinimumSizeFields fields(version, flexible);
    T::describe(instance, fields);
    return fields.size_bytes();
  } else if constexpr (IsOptional<T>::value) {
    if constexpr (WireStruct<typename T::value_type>) {
      return 1;
    } else {
      return minimum_wire_size<typename T::value_type>(version, flexible);
    }
  } else {
    return flexible ? 1 : 4;
  }
}

class DecodeFields {
 public:
  DecodeFields(WireReader& reader, Version version, bool flexible, std::size_t memory_limit_bytes)
      : reader_(reader), version_(version), flexible_(flexible), memory_left_bytes_(memory_limit_bytes) {}

  template <class T, class... Attributes>
  void operator()(const char* name, T& member, Attributes... attributes) {
    const FieldSpec spec = field_spec(attributes...);
    if (!spec.versions.contains(version_) || spec.is_tagged()) return;
    reader_.set_field(name);
    value(member, spec.nullable_versions.contains(version_), flexible_ && !spec.is_never_compact);
  }

  template <WireStruct S>
  void structure(S& into) {
    S::describe(into, *this);
    if (flexible_) tagged_section(into);
  }

  [[nodiscard]] std::size_t memory_left_bytes() const { return memory_left_bytes_; }

 private:
  // Calls the one field that has the tag.
  struct TaggedField {
    DecodeFields& outer;
    std::uint32_t wanted;
    bool found = false;

    template <class T, class... Attributes>
    void operator()(const char* name, T& member, Attributes... attributes) {
      const FieldSpec spec = field_spec(attributes...);
      if (!spec.is_tagged() || static_cast<std::uint32_t>(spec.tag_number) != wanted) return;
      if (!spec.versions.contains(outer.version_)) return;
      found = true;
      outer.reader_.set_field(name);
      outer.value(member, spec.nullable_versions.contains(outer.version_), true);
    }
  };

  // Each tag once and in ascending order (KIP-482); a known field must fill the size that is announced for it. Unknown tags are
  // skipped: a newer peer may send them.
  template <class S>
  void tagged_section(S& into) {
    const std::uint32_t count = reader_.unsigned_varint();
    std::int64_t previous = -1;
    for (std::uint32_t index = 0; index < count && !reader_.failed(); ++index) {
      reader_.set_field("tagged fields");
      const std::uint32_t tag_number = reader_.unsigned_varint();
      const std::uint32_t size_bytes = reader_.unsigned_varint();
      if (reader_.failed()) return;
      if (tag_number <= previous)
        return reader_.fail(ErrorKind::corrupt, "tag " + std::to_string(tag_number) + " is repeated or out of order");
      previous = tag_number;
      const std::uint8_t* const end = reader_.narrow(size_bytes);
      TaggedField field{*this, tag_number};
      S::describe(into, field);
      if (!field.found) reader_.bytes(reader_.remaining_bytes());
      if (!reader_.failed() && reader_.remaining_bytes() != 0) {
        return reader_.fail(ErrorKind::corrupt,
                            std::to_string(reader_.remaining_bytes()) + " bytes are left over in the tagged field");
      }
      reader_.widen(end);
    }
  }

  template <WireNumber T>
  void value(T& into, bool /*may_be_null*/, bool /*compact*/) {
    into = from_wire<T>(reader_.number<WireInteger<T>>());
  }
  void value(Uuid& into, bool may_be_null, bool compact);
  void value(String& into, bool may_be_null, bool compact);
  void value(NullableString& into, bool may_be_null, bool compact);
  void value(Bytes& into, bool may_be_null, bool compact);
  void value(NullableBytes& into, bool may_be_null, bool compact);
  void value(Records& into, bool may_be_null, bool compact);
  template <WireStruct S>
  void value(S& into, bool /*may_be_null*/, bool /*compact*/) {
    structure(into);
  }
  // A nullable struct has a byte in front: negative for null. It is moved in: a struct nested in its message is not yet
  // default constructible where std::optional asks, inside the message's class, and the answer is kept.
  template <WireStruct S>
  void value(std::optional<S>& into, bool may_be_null, bool /*compact*/) {
    if (static_cast<std::int8_t>(reader_.number<std::uint8_t>()) < 0) {
      into.reset();
      if (!may_be_null) reader_.fail_null();
    } else {
      structure(into.emplace(S{}));
    }
  }
  template <class T>
  void value(std::optional<std::vector<T>>& into, bool may_be_null, bool compact) {
    if (auto count = array_count(minimum_wire_size<T>(version_, flexible_), sizeof(T), may_be_null, compact)) {
      elements(into.emplace(), *count);
    } else {
      into.reset();
    }
  }
  template <class T>
  void value(std::vector<T>& into, bool /*may_be_null*/, bool compact) {
    if (auto count = array_count(minimum_wire_size<T>(version_, flexible_), sizeof(T), false, compact))
      elements(into, *count);
  }
  template <class T>
  void elements(std::vector<T>& into, std::size_t count) {
    into.resize(count);
    for (T& element : into) {
      value(element, false, flexible_);
      if (reader_.failed()) return;
    }
  }

  // The count of an array whose elements could be in the remaining bytes; nothing for null and after a failure.
  std::optional<std::size_t> array_count(std::size_t minimum_element_bytes, std::size_t element_memory_bytes,
                                         bool may_be_null, bool compact);
  std::optional<std::size_t> string_length(bool compact);
  std::optional<std::size_t> bytes_length(bool compact);

  WireReader& reader_;
  Version version_;
  bool flexible_;
  std::size_t memory_left_bytes_;
};

}  // namespace millrace::protocol

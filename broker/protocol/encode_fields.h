// Writes a described struct, in two passes: SizeFields counts the exact bytes and finds what the version cannot carry, so that
// WriteFields has one allocation to fill and nothing left to fail.
// Included by messages/*.cpp and sources of this layer only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/result.h"
#include "broker/protocol/equality.h"
#include "broker/protocol/wire_value.h"
#include "broker/protocol/wire_writer.h"

namespace millrace::protocol {

// What one encoding has added up and found out.
struct EncodeState {
  Version version = 0;
  bool flexible = false;
  std::size_t spliced_bytes = 0;  // of the total, the part that is not copied
  std::optional<Error> error;     // the first

  void fail(const char* field, const std::string& what);
  void fail_null(const char* field) { fail(field, "null cannot be sent in version " + std::to_string(version)); }

  [[nodiscard]] std::size_t length_size(std::size_t length, std::size_t classic_bytes, bool compact) const {
    return compact ? static_cast<std::size_t>(unsigned_varint_size(static_cast<std::uint32_t>(length) + 1))
                   : classic_bytes;
  }
};

template <WireStruct S>
std::size_t structure_size(const S& structure, EncodeState& state);

// The bytes of one value. `name` is for failures, `may_be_null` and `compact` as the field and version say.
struct ValueSize {
  EncodeState& state;
  const char* name;
  bool may_be_null;
  bool compact;

  template <WireNumber T>
  std::size_t operator()(const T& /*value*/) const {
    return sizeof(WireInteger<T>);
  }
  std::size_t operator()(const Uuid& value) const { return value.bytes.size(); }
  std::size_t operator()(const String& value) const;
  std::size_t operator()(const Bytes& value) const;
  std::size_t operator()(const Records& value) const;
  template <WireStruct S>
  std::size_t operator()(const S& value) const {
    return structure_size(value, state);
  }
  template <class T>
  std::size_t operator()(const std::vector<T>& value) const {
    std::size_t size_bytes = state.length_size(value.size(), 4, compact);
    if (value.size() >= 0x7fffffff) state.fail(name, "too many elements");
    const ValueSize element{state, name, false, state.flexible};
    if constexpr (WireNumber<T>) {
      size_bytes += value.size() * sizeof(WireInteger<T>);
    } else {
      for (const T& each : value) size_bytes += element(each);
    }
    return size_bytes;
  }
  template <class T>
  std::size_t operator()(const std::optional<T>& value) const {
    constexpr std::size_t marker_bytes = WireStruct<T> ? 1 : 0;
    if (value) return marker_bytes + (*this)(*value);
    if (!may_be_null) state.fail_null(name);
    if (marker_bytes != 0 || compact) return 1;
    return std::is_same_v<T, String> ? 2 : 4;
  }
};

template <class S>
class SizeFields {
 public:
  SizeFields(const S& self, EncodeState& state) : self_(self), state_(state) {}

  template <class T, class... Attributes>
  void operator()(const char* name, const T& member, Attributes... attributes) {
    const FieldSpec spec = field_spec(attributes...);
    if (!spec.versions.contains(state_.version)) {
      if (!spec.is_ignorable && !is_default(member)) {
        state_.fail(
            name, "version " + std::to_string(state_.version) + " has no such field and its value is not the default");
      }
      return;
    }
    const ValueSize size{state_, name, spec.nullable_versions.contains(state_.version),
                         state_.flexible && !spec.is_never_compact};
    if (!spec.is_tagged()) {
      size_bytes_ += size(member);
    } else if (!is_default(member)) {
      const auto value_bytes = static_cast<std::uint32_t>(size(member));
      ++tagged_count_;
      size_bytes_ += static_cast<std::size_t>(unsigned_varint_size(static_cast<std::uint32_t>(spec.tag_number))) +
                     static_cast<std::size_t>(unsigned_varint_size(value_bytes)) + value_bytes;
    }
  }
  [[nodiscard]] std::size_t size_bytes() const {
    return size_bytes_ + (state_.flexible ? static_cast<std::size_t>(unsigned_varint_size(tagged_count_)) : 0);
  }

 private:
  template <class T>
  bool is_default(const T& member) const {
    return same(member, same_member(self_, member, default_instance<S>()));
  }

  const S& self_;
  EncodeState& state_;
  std::size_t size_bytes_ = 0;
  std::uint32_t tagged_count_ = 0;
};

template <WireStruct S>
std::size_t structure_size(const S& structure, EncodeState& state) {
  SizeFields<S> fields(structure, state);
  S::describe(structure, fields);
  return fields.size_bytes();
}

template <WireStruct S>
void write_structure(const S& structure, EncodeState& state, WireWriter& writer);

struct ValueWrite {
  EncodeState& state;
  WireWriter& writer;
  bool compact;

  template <WireNumber T>
  void operator()(const T& value) const {
    writer.number(to_wire(value));
  }
  void operator()(const Uuid& value) const { writer.bytes(value.bytes); }
  void operator()(const String& value) const {
    length<std::uint16_t>(value.size());
    writer.bytes(as_bytes(value));
  }
  void operator()(const Bytes& value) const {
    length<std::uint32_t>(value.size());
    writer.bytes(value);
  }
  void operator()(const Records& value) const;
  template <WireStruct S>
  void operator()(const S& value) const {
    write_structure(value, state, writer);
  }
  template <class T>
  void operator()(const std::vector<T>& value) const {
    length<std::uint32_t>(value.size());
    const ValueWrite element{state, writer, state.flexible};
    for (const T& each : value) element(each);
  }
  template <class T>
  void operator()(const std::optional<T>& value) const {
    if (value) {
      if constexpr (WireStruct<T>) writer.number(std::uint8_t{1});
      (*this)(*value);
    } else if constexpr (WireStruct<T>) {
      writer.number(std::uint8_t{0xff});
    } else if constexpr (std::is_same_v<T, String>) {
      null_length<std::uint16_t>();
    } else {
      null_length<std::uint32_t>();
    }
  }

 private:
  template <class Classic>
  void length(std::size_t count) const {
    if (compact) {
      writer.unsigned_varint(static_cast<std::uint32_t>(count) + 1);
    } else {
      writer.number(static_cast<Classic>(count));
    }
  }
  template <class Classic>
  void null_length() const {
    if (compact) {
      writer.unsigned_varint(0);
    } else {
      writer.number(static_cast<Classic>(~Classic{0}));
    }
  }
};

// The fields outside the tagged section; counts those inside.
template <class S>
class WriteFields {
 public:
  WriteFields(const S& self, EncodeState& state, WireWriter& writer) : self_(self), state_(state), writer_(writer) {}

  template <class T, class... Attributes>
  void operator()(const char* /*name*/, const T& member, Attributes... attributes) {
    const FieldSpec spec = field_spec(attributes...);
    if (!spec.versions.contains(state_.version)) return;
    if (!spec.is_tagged()) {
      ValueWrite{state_, writer_, state_.flexible && !spec.is_never_compact}(member);
    } else if (!same(member, same_member(self_, member, default_instance<S>()))) {
      ++tagged_count_;
    }
  }
  [[nodiscard]] std::uint32_t tagged_count() const { return tagged_count_; }

 private:
  const S& self_;
  EncodeState& state_;
  WireWriter& writer_;
  std::uint32_t tagged_count_ = 0;
};

// The fields of the tagged section.
template <class S>
class WriteTaggedFields {
 public:
  WriteTaggedFields(const S& self, EncodeState& state, WireWriter& writer)
      : self_(self), state_(state), writer_(writer) {}

  template <class T, class... Attributes>
  void operator()(const char* name, const T& member, Attributes... attributes) {
    const FieldSpec spec = field_spec(attributes...);
    if (!spec.is_tagged() || !spec.versions.contains(state_.version)) return;
    if (same(member, same_member(self_, member, default_instance<S>()))) return;
    writer_.unsigned_varint(static_cast<std::uint32_t>(spec.tag_number));
    writer_.unsigned_varint(static_cast<std::uint32_t>(ValueSize{state_, name, true, true}(member)));
    ValueWrite{state_, writer_, true}(member);
  }

 private:
  const S& self_;
  EncodeState& state_;
  WireWriter& writer_;
};

template <WireStruct S>
void write_structure(const S& structure, EncodeState& state, WireWriter& writer) {
  WriteFields<S> fields(structure, state, writer);
  S::describe(structure, fields);
  if (!state.flexible) return;
  writer.unsigned_varint(fields.tagged_count());
  if (fields.tagged_count() == 0) return;
  WriteTaggedFields<S> tagged(structure, state, writer);
  S::describe(structure, tagged);
}

}  // namespace millrace::protocol

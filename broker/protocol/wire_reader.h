// A cursor over received bytes that never leaves them. The first failure sticks: it is kept with the name of the field and the
// byte it happened at, everything after it reads as zero, and the caller asks once at the end.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>

#include "broker/base/bytes.h"
#include "broker/base/result.h"

namespace millrace::protocol {

class WireReader {
 public:
  explicit WireReader(BytesView bytes) : begin_(bytes.data()), position_(begin_), end_(begin_ + bytes.size()) {}

  [[nodiscard]] std::size_t remaining_bytes() const { return static_cast<std::size_t>(end_ - position_); }
  [[nodiscard]] std::size_t consumed_bytes() const { return static_cast<std::size_t>(position_ - begin_); }
  [[nodiscard]] bool failed() const { return failed_; }
  // The first failure; call only when failed().
  [[nodiscard]] const Error& error() const { return *error_; }

  // The field that is being read, for the words of a failure; a string literal.
  void set_field(const char* name) { field_ = name; }

  template <std::unsigned_integral T>
  T number() {
    if (remaining_bytes() < sizeof(T)) [[unlikely]] {
      fail_truncated(sizeof(T));
      return 0;
    }
    const T value = load_big_endian<T>(position_);
    position_ += sizeof(T);
    return value;
  }
  // At most five bytes and 32 bits.
  std::uint32_t unsigned_varint();
  // Exactly `size_bytes` of them.
  BytesView bytes(std::size_t size_bytes) {
    if (remaining_bytes() < size_bytes) [[unlikely]] {
      fail_truncated(size_bytes);
      return {};
    }
    const BytesView view(position_, size_bytes);
    position_ += size_bytes;
    return view;
  }

  // A length, or nothing for null (-1, or 0 in compact form). A length beyond the remaining bytes fails; so does one below -1.
  std::optional<std::size_t> classic_string_length();
  std::optional<std::size_t> classic_length();
  std::optional<std::size_t> compact_length();

  // Restricts reading to the next `size_bytes` until the returned end is given back to widen().
  const std::uint8_t* narrow(std::size_t size_bytes);
  void widen(const std::uint8_t* end) {
    if (!failed_) end_ = end;
  }

  void fail(ErrorKind kind, const std::string& what);
  void fail_null();

 private:
  void fail_truncated(std::size_t wanted_bytes);
  std::optional<std::size_t> checked_length(std::int64_t length);

  const std::uint8_t* begin_;
  const std::uint8_t* position_;
  const std::uint8_t* end_;
  const char* field_ = "";
  bool failed_ = false;
  std::optional<Error> error_;
};

}  // namespace millrace::protocol

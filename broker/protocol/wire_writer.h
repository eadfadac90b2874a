// Writes into memory whose size was computed before, and remembers where pieces are to be spliced in between.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/protocol/records.h"

namespace millrace::protocol {

class WireWriter {
 public:
  struct Splice {
    std::size_t offset;  // of the memory, where the pieces belong
    const Records* records;
  };

  explicit WireWriter(MutableBytes memory) : begin_(memory.data()), position_(begin_) {}

  template <std::unsigned_integral T>
  void number(T value) {
    store_big_endian(position_, value);
    position_ += sizeof value;
  }
  void unsigned_varint(std::uint32_t value) {
    for (; value >= 0x80; value >>= 7) *position_++ = static_cast<std::uint8_t>(value | 0x80);
    *position_++ = static_cast<std::uint8_t>(value);
  }
  void bytes(BytesView bytes) {
    if (bytes.empty()) return;  // memcpy wants no null pointer, even for nothing
    std::memcpy(position_, bytes.data(), bytes.size());
    position_ += bytes.size();
  }
  void splice(const Records& records) { splices_.push_back({written_bytes(), &records}); }

  [[nodiscard]] std::size_t written_bytes() const { return static_cast<std::size_t>(position_ - begin_); }
  [[nodiscard]] const std::vector<Splice>& splices() const { return splices_; }

 private:
  std::uint8_t* begin_;
  std::uint8_t* position_;
  std::vector<Splice> splices_;
};

}  // namespace millrace::protocol

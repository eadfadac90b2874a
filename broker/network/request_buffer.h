// The bytes of one request, on loan from a memory budget. Strings and records of the decoded request are views into it, so it
// lives until the handler drops the last pointer. Record memory may be given back earlier, after the append, by release().
//
// Any thread may hold, read and drop it. release() by its user only when nobody uses a view any more.
#pragma once

#include <cstdint>
#include <memory>

#include "broker/base/bytes.h"
#include "broker/network/memory_budget.h"

namespace millrace::network {

class RequestBuffer {
 public:
  // `charge` pays for `capacity` bytes. ErrorKind-free: null when the allocator has no memory.
  static std::shared_ptr<RequestBuffer> allocate(std::size_t capacity, MemoryCharge charge);
  ~RequestBuffer();
  RequestBuffer(const RequestBuffer&) = delete;
  RequestBuffer& operator=(const RequestBuffer&) = delete;

  [[nodiscard]] MutableBytes bytes() { return {data_, size_}; }
  [[nodiscard]] BytesView bytes() const { return {data_, size_}; }

  // What is decoded from the bytes takes memory beside them: paid to the same budget, at most decoded_max_bytes() in all and
  // until this dies. False where the budget has not so much.
  [[nodiscard]] std::uint64_t decoded_max_bytes() const;
  [[nodiscard]] bool charge_decoded(std::uint64_t size_bytes);

  // Frees the bytes and pays the budget back. Views into them are dead.
  void release();

 private:
  friend class FrameReader;
  RequestBuffer(std::uint8_t* data, std::size_t capacity, MemoryCharge charge)
      : data_(data), capacity_(capacity), charge_(std::move(charge)) {}

  // False when the allocator has no memory: the buffer is as it was.
  bool grow(std::size_t capacity, MemoryCharge charge);

  std::uint8_t* data_;
  std::size_t size_ = 0;
  std::size_t capacity_;
  MemoryCharge charge_;
  MemoryCharge decoded_charge_;
};

}  // namespace millrace::network

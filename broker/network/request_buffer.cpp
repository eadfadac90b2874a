#include "broker/network/request_buffer.h"

#include <cstdlib>
#include <limits>
#include <utility>

namespace millrace::network {

std::shared_ptr<RequestBuffer> RequestBuffer::allocate(std::size_t capacity, MemoryCharge charge) {
  // malloc and realloc: a big block is moved by the system without a copy, and costs nothing where it was never touched.
  auto* data = static_cast<std::uint8_t*>(std::malloc(capacity == 0 ? 1 : capacity));
  if (data == nullptr) return nullptr;
  return std::shared_ptr<RequestBuffer>(new RequestBuffer(data, capacity, std::move(charge)));
}

RequestBuffer::~RequestBuffer() { std::free(data_); }

std::uint64_t RequestBuffer::decoded_max_bytes() const {
  const auto& budget = charge_.budget();
  return budget == nullptr ? std::numeric_limits<std::uint64_t>::max() : budget->beyond_bytes();
}

bool RequestBuffer::charge_decoded(std::uint64_t size_bytes) {
  const auto& budget = charge_.budget();
  if (budget == nullptr || size_bytes == 0) return true;
  auto charge = budget->take_beyond(size_bytes);
  if (charge.bytes() == 0) return false;
  decoded_charge_.merge(std::move(charge));
  return true;
}

void RequestBuffer::release() {
  std::free(std::exchange(data_, nullptr));
  size_ = 0;
  capacity_ = 0;
  charge_.give_back();
}

bool RequestBuffer::grow(std::size_t capacity, MemoryCharge charge) {
  auto* data = static_cast<std::uint8_t*>(std::realloc(data_, capacity));
  if (data == nullptr) return false;
  data_ = data;
  capacity_ = capacity;
  charge_.merge(std::move(charge));
  return true;
}

}  // namespace millrace::network

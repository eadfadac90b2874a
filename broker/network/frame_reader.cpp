#include "broker/network/frame_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace millrace::network {
namespace {

constexpr std::size_t first_step_bytes = 8 * 1024;
constexpr std::uint32_t trusted_max_bytes = 1024 * 1024;

}  // namespace

FrameReader::Outcome FrameReader::next(Stream& stream, MutableBytes scratch, std::uint32_t frame_max_bytes,
                                       MemoryBudget& budget, std::uint64_t receive_until) {
  for (;;) {
    switch (consume(frame_max_bytes, budget)) {
      case Step::frame:
        return Outcome::frame;
      case Step::needs_memory:
        return Outcome::needs_memory;
      case Step::bad_length:
        return Outcome::bad_length;
      case Step::out_of_memory:
        return Outcome::out_of_memory;
      case Step::needs_bytes:
        break;
    }
    if (drained_) return Outcome::would_block;
    if (received_bytes_ >= receive_until) return Outcome::turn_over;
    auto result = receive(stream, scratch);
    switch (result.kind) {
      case IoResult::Kind::done:
        break;
      case IoResult::Kind::would_block:
        drained_ = true;
        return Outcome::would_block;
      case IoResult::Kind::end:
        return Outcome::end_of_stream;
      case IoResult::Kind::failed:
        error_ = result.error;
        return Outcome::failed;
    }
  }
}

std::shared_ptr<RequestBuffer> FrameReader::take_frame() {
  trusted_bytes_ = std::max(trusted_bytes_, std::min(static_cast<std::uint32_t>(length_), trusted_max_bytes));
  length_size_ = 0;
  return std::move(partial_);
}

void FrameReader::stash() {
  if (input_.empty()) {
    stash_ = {};
    input_ = {};
  } else if (input_.data() < stash_.data() || input_.data() >= stash_.data() + stash_.size()) {
    stash_.assign(input_.begin(), input_.end());
    stash_.shrink_to_fit();
    input_ = stash_;
  }
}

void FrameReader::reset() {
  partial_.reset();
  granted_.give_back();
  stash_ = {};
  input_ = {};
  length_size_ = 0;
}

std::uint64_t FrameReader::rest_bytes() const {
  auto length = static_cast<std::uint64_t>(length_);
  return partial_ == nullptr ? length : length - partial_->capacity_;
}

FrameReader::Step FrameReader::consume(std::uint32_t frame_max_bytes, MemoryBudget& budget) {
  for (;;) {
    if (length_size_ < length_bytes_.size()) {
      if (input_.empty()) return Step::needs_bytes;
      length_bytes_[length_size_++] = input_.front();
      input_ = input_.subspan(1);
      if (length_size_ < length_bytes_.size()) continue;
      length_ = load_big_endian<std::int32_t>(length_bytes_.data());
      if (length_ <= 0 || static_cast<std::uint32_t>(length_) > frame_max_bytes) return Step::bad_length;
    }
    if (partial_ != nullptr && partial_->size_ == static_cast<std::size_t>(length_)) return Step::frame;
    bool full = partial_ != nullptr && partial_->size_ == partial_->capacity_;
    if (partial_ == nullptr || full) {
      // A frame that has only been announced costs nothing.
      if (partial_ == nullptr && input_.empty()) return Step::needs_bytes;
      if (auto step = make_room(budget); step != Step::frame) return step;
    }
    if (input_.empty()) return Step::needs_bytes;
    auto count = std::min(input_.size(), partial_->capacity_ - partial_->size_);
    std::memcpy(partial_->data_ + partial_->size_, input_.data(), count);
    partial_->size_ += count;
    input_ = input_.subspan(count);
  }
}

// Step::frame when there is room for at least one byte more.
FrameReader::Step FrameReader::make_room(MemoryBudget& budget) {
  std::uint64_t length = static_cast<std::uint64_t>(length_);
  std::uint64_t capacity = partial_ == nullptr ? 0 : partial_->capacity_;
  std::uint64_t step = std::max<std::uint64_t>({first_step_bytes, trusted_bytes_, 4 * capacity});
  wanted_bytes_ = std::min(length, step) - capacity;
  auto charge = granted_.bytes() > 0 ? std::exchange(granted_, {}) : budget.try_take(wanted_bytes_);
  if (charge.bytes() == 0) return Step::needs_memory;
  // What was granted may be all of the rest.
  capacity = std::min(length, capacity + charge.bytes());
  if (partial_ == nullptr) {
    partial_ = RequestBuffer::allocate(capacity, std::move(charge));
    return partial_ == nullptr ? Step::out_of_memory : Step::frame;
  }
  return partial_->grow(capacity, std::move(charge)) ? Step::frame : Step::out_of_memory;
}

IoResult FrameReader::receive(Stream& stream, MutableBytes scratch) {
  std::array<iovec, 2> pieces{};
  std::size_t count = 0;
  std::size_t room = 0;
  if (partial_ != nullptr) {
    room = partial_->capacity_ - partial_->size_;
    pieces[count++] = {partial_->data_ + partial_->size_, room};
  }
  // Beyond the frame's end the next one may follow; within it every byte has its place.
  bool whole = partial_ == nullptr || partial_->capacity_ == static_cast<std::size_t>(length_);
  if (whole) pieces[count++] = {scratch.data(), scratch.size()};
  auto result = stream.read({pieces.data(), count});
  if (result.kind != IoResult::Kind::done) return result;
  received_bytes_ += result.bytes;
  auto into_frame = std::min(room, result.bytes);
  if (partial_ != nullptr) partial_->size_ += into_frame;
  if (result.bytes > into_frame) input_ = scratch.first(result.bytes - into_frame);
  // A socket that gave less than it was asked for is empty now; behind its last bytes there may be its end.
  drained_ = !ended_ && result.bytes < room + (whole ? scratch.size() : 0);
  return result;
}

}  // namespace millrace::network

// Takes the bytes of a connection apart into frames: 4 bytes of length, big-endian, then the request (KAFKA protocol guide).
//
// The length is checked before anything is allocated, and memory follows the bytes that came: a frame begins small and grows
// fourfold, at once to what the connection has sent in a whole frame before. Each step is paid for first. Between frames
// nothing is held but what arrived too early.
//
// Reads go into the shard's scratch buffer at the start of a frame and straight into the frame afterwards. Owned by the
// connection's shard.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/network/memory_budget.h"
#include "broker/network/request_buffer.h"
#include "broker/network/stream.h"

namespace millrace::network {

class FrameReader {
 public:
  enum class Outcome : std::uint8_t {
    frame,         // take_frame() has it
    would_block,   // the socket is drained
    turn_over,     // so much was received as one turn may
    needs_memory,  // wanted_bytes() before it can go on; grant() them
    end_of_stream,
    bad_length,     // length() is not 1 … frame_max_bytes
    out_of_memory,  // the allocator failed
    failed,         // error() is errno
  };

  // Goes on until received_bytes() reaches `receive_until`. `scratch` may be shared by all connections of the shard: stash()
  // before another one reads.
  Outcome next(Stream& stream, MutableBytes scratch, std::uint32_t frame_max_bytes, MemoryBudget& budget,
               std::uint64_t receive_until);
  std::shared_ptr<RequestBuffer> take_frame();
  void grant(MemoryCharge charge) { granted_.merge(std::move(charge)); }
  // Keeps what was read too early beyond this turn.
  void stash();
  // The socket may have bytes again; `ended`: and its end behind them, of which nobody is told again.
  void on_readable(bool ended = false) {
    drained_ = false;
    ended_ = ended_ || ended;
  }
  // Gives everything back.
  void reset();

  [[nodiscard]] bool in_frame() const { return length_size_ > 0 || partial_ != nullptr; }
  [[nodiscard]] bool is_between_frames() const { return !in_frame() && granted_.bytes() == 0; }
  [[nodiscard]] bool holds_memory() const { return partial_ != nullptr; }
  [[nodiscard]] bool has_input() const { return !input_.empty(); }
  [[nodiscard]] std::uint64_t received_bytes() const { return received_bytes_; }
  [[nodiscard]] std::uint64_t wanted_bytes() const { return wanted_bytes_; }
  [[nodiscard]] std::uint64_t rest_bytes() const;
  [[nodiscard]] std::int32_t length() const { return length_; }
  [[nodiscard]] int error() const { return error_; }

 private:
  enum class Step : std::uint8_t { needs_bytes, frame, needs_memory, bad_length, out_of_memory };

  Step consume(std::uint32_t frame_max_bytes, MemoryBudget& budget);
  Step make_room(MemoryBudget& budget);
  IoResult receive(Stream& stream, MutableBytes scratch);

  std::array<std::uint8_t, 4> length_bytes_{};
  std::uint8_t length_size_ = 0;
  bool drained_ = false;
  bool ended_ = false;  // the peer sends nothing more
  int error_ = 0;
  std::int32_t length_ = 0;
  std::uint32_t trusted_bytes_ = 0;
  std::shared_ptr<RequestBuffer> partial_;
  BytesView input_;  // in the scratch buffer or in stash_
  std::vector<std::uint8_t> stash_;
  MemoryCharge granted_;
  std::uint64_t wanted_bytes_ = 0;
  std::uint64_t received_bytes_ = 0;
};

}  // namespace millrace::network

// The answers of a connection on their way out: each one's length, its bytes by sendmsg, its ranges of files by sendfile where
// that will not wait for the disk. A range that is cold, or of a file without a descriptor, is first read in the pool: the
// caller does that and tells the queue.
//
// What was promised by a length is sent exactly, or the connection ends. Owned by the connection's shard.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "broker/base/output_chain.h"
#include "broker/network/stream.h"

namespace millrace::network {

class OutputQueue {
 public:
  enum class Outcome : std::uint8_t {
    drained,
    would_block,
    turn_over,   // the limit is reached, more could go
    cold,        // next_slice() must be brought into memory, then warmed()
    unreadable,  // next_slice() must be read, then replace_slice()
    short_file,  // the file ended inside a slice; failed_file() is its path
    failed,      // error() is errno; EPIPE and ECONNRESET: the peer has gone
  };

  // Kafka's lengths are int32: a longer answer is refused.
  [[nodiscard]] bool push(OutputChain answer);
  Outcome flush(Stream& stream, std::uint64_t limit_bytes);

  // The range that comes next, bounded.
  [[nodiscard]] FileSlice next_slice() const;
  void warmed(std::uint64_t bytes) { warm_bytes_ = bytes; }
  // `bytes` go out in place of the first bytes.size() of next_slice().
  void replace_slice(OutputChain::Buffer bytes);

  [[nodiscard]] std::uint64_t pending_bytes() const { return pending_bytes_; }
  [[nodiscard]] std::uint64_t sent_bytes() const { return sent_bytes_; }
  [[nodiscard]] int error() const { return error_; }
  [[nodiscard]] const std::string& failed_file() const { return failed_file_; }
  void clear();

 private:
  static constexpr std::size_t vectors_max = 64;

  // An answer, and how much of it has gone.
  struct Entry {
    std::array<std::uint8_t, 4> length;
    OutputChain answer;
    std::size_t piece = 0;           // counts the length as piece 0
    std::uint64_t offset_bytes = 0;  // into that piece
  };

  struct Gathered {
    std::array<iovec, vectors_max> vectors;
    std::size_t count = 0;
    std::uint64_t bytes = 0;
    bool more = false;  // something follows that is not in here
  };

  [[nodiscard]] FileSlice* front_slice();
  [[nodiscard]] const FileSlice* front_slice() const;
  void gather(Gathered& into, std::uint64_t limit_bytes) const;
  Outcome send_bytes(Stream& stream, std::uint64_t limit_bytes);
  Outcome send_slice(Stream& stream, const FileSlice& slice, std::uint64_t limit_bytes);
  void advance(std::uint64_t bytes);
  void forget_sent();

  std::vector<Entry> entries_;
  std::size_t first_ = 0;
  std::uint64_t pending_bytes_ = 0;
  std::uint64_t sent_bytes_ = 0;
  std::uint64_t warm_bytes_ = 0;        // of the slice in front, from its offset: known to be in memory
  std::uint64_t next_slice_bytes_ = 0;  // bound of next_slice()
  int error_ = 0;
  std::string failed_file_;
};

}  // namespace millrace::network

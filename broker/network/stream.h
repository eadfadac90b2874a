// The bytes of a connection behind an interface: a plain socket here; TLS is another implementation, which cannot send files.
// Calls never block. Owned by the connection's shard.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "broker/network/unique_fd.h"

namespace millrace::network {

struct IoResult {
  enum class Kind : std::uint8_t { done, would_block, end, failed };
  Kind kind;
  std::size_t bytes = 0;  // when done; 0 of send_file: the file has ended
  int error = 0;          // errno, when failed
};

class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;

  virtual IoResult read(std::span<const iovec> into) = 0;
  // `more`: further bytes follow at once, a packet need not leave yet.
  virtual IoResult write(std::span<const iovec> pieces, bool more) = 0;
  [[nodiscard]] virtual bool sends_files() const = 0;
  virtual IoResult send_file(int file, std::uint64_t position, std::size_t bytes) = 0;
};

// Borrows the descriptor of a non-blocking socket.
class PlainStream final : public Stream {
 public:
  explicit PlainStream(int socket) : socket_(socket) {}

  IoResult read(std::span<const iovec> into) override;
  IoResult write(std::span<const iovec> pieces, bool more) override;
  [[nodiscard]] bool sends_files() const override { return true; }
  IoResult send_file(int file, std::uint64_t position, std::size_t bytes) override;

 private:
  int socket_;
};

}  // namespace millrace::network

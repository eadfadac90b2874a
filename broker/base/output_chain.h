// An answer on its way out: bytes made here, borrowed bytes, and ranges of files that the connection sends without copying
// (sendfile). Owned by one shard at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/file.h"

namespace millrace {

class OutputChain {
 public:
  using Buffer = std::vector<std::uint8_t>;
  struct Borrowed {  // bytes that `owner` keeps alive
    BytesView bytes;
    std::shared_ptr<const void> owner;
  };
  using Piece = std::variant<Buffer, Borrowed, FileSlice>;

  // Empty ones are dropped.
  void append(Buffer buffer);
  void append(Borrowed bytes);
  void append(FileSlice slice);

  [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }
  [[nodiscard]] const std::vector<Piece>& pieces() const { return pieces_; }
  [[nodiscard]] std::vector<Piece>& pieces() { return pieces_; }

  // All of it as one buffer, files read (blocks): for tests, dumps and transports that cannot send files.
  [[nodiscard]] Result<Buffer> flatten() const;

 private:
  std::vector<Piece> pieces_;
  std::uint64_t size_bytes_ = 0;
};

}  // namespace millrace

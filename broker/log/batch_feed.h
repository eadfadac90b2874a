// The batches of a closed segment one after another, whole and of any magic, checked by segment_check.h: for what copies every
// byte of a log. Blocks; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker/base/file.h"
#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/log/segment_check.h"

namespace millrace::log {

class BatchFeed {
 public:
  // Between `position`, where a batch starts, and `end_position`, of offsets in [from, bound). `epochs` outlive it. Reads
  // `read_bytes` at once, or a batch that is larger.
  BatchFeed(std::shared_ptr<File> file, std::uint64_t position, std::uint64_t end_position, Offset from, Offset bound,
            std::span<const EpochStart> epochs, std::size_t read_bytes)
      : file_(std::move(file)),
        position_(position),
        end_position_(end_position),
        order_(from, bound, epochs),
        read_bytes_(read_bytes) {}

  // The next batch; its bytes are there until the next call. nullopt at the end. corrupt names the file and the position.
  Result<std::optional<AnyBatch>> next();
  [[nodiscard]] std::uint64_t position() const { return position_; }

 private:
  Result<BytesView> bytes_at(std::size_t count);
  [[nodiscard]] tl::unexpected<Error> corrupt(const std::string& what) const;

  std::shared_ptr<File> file_;
  std::uint64_t position_;
  const std::uint64_t end_position_;
  BatchOrder order_;
  const std::size_t read_bytes_;
  std::vector<std::uint8_t> buffer_;
  std::uint64_t buffer_position_ = 0;
};

}  // namespace millrace::log

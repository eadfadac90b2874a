// Walks over the batches of a segment file by their headers, with few and small reads: to find positions, to replay producers.
// `only`: what a shard may read (page_cache_reads.h).
// Messages of magic 0 and 1 are batches of one offset, a compressed one that of its last; those of magic 0 have no timestamp. Blocks; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "broker/base/file.h"
#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/log/page_cache_reads.h"
#include "broker/protocol/record_batch.h"

namespace millrace::log {

struct ScannedBatch {
  Offset base_offset;
  Offset last_offset;
  std::uint64_t position = 0;
  std::uint64_t size_bytes = 0;
  TimestampMs max_timestamp = TimestampMs::none();
  LeaderEpoch leader_epoch = LeaderEpoch::none();
  std::optional<protocol::BatchHeader> header;  // of magic 2

  [[nodiscard]] std::uint64_t end_position() const { return position + size_bytes; }
};

class BatchScanner {
 public:
  // The batches between `position`, where one starts, and `end`. The file outlives the scanner.
  BatchScanner(const File& file, std::uint64_t position, std::uint64_t end, std::size_t read_ahead_bytes = 4096)
      : file_(file), next_position_(position), end_(end), read_ahead_bytes_(read_ahead_bytes) {}
  BatchScanner(const File& file, std::uint64_t position, std::uint64_t end, PageCacheReads* only)
      : BatchScanner(file, position, end) {
    only_ = only;
  }

  // Whether there is another batch that ends at or before `end`, then in batch(). corrupt: the bytes there are no batch.
  Result<bool> next();
  [[nodiscard]] const ScannedBatch& batch() const { return batch_; }
  // Where the next one would start.
  [[nodiscard]] std::uint64_t next_position() const { return next_position_; }

 private:
  // At least `count` bytes from `position` on, fewer only at the file's end.
  Result<BytesView> bytes_at(std::uint64_t position, std::size_t count);

  const File& file_;
  std::uint64_t next_position_;
  std::uint64_t end_;
  std::size_t read_ahead_bytes_;
  PageCacheReads* only_ = nullptr;
  std::vector<std::uint8_t> buffer_;
  std::uint64_t buffer_position_ = 0;
  ScannedBatch batch_;
};

}  // namespace millrace::log

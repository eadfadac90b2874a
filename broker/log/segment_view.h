// What a thread other than the owning shard needs to read a segment: its files and how far they were written when the view
// was taken. All reads block. Errors: io and its kin; corrupt names the file and the position.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/log/batch_scanner.h"
#include "broker/log/fetch_data.h"
#include "broker/log/file_cache.h"
#include "broker/log/offset_index.h"
#include "broker/log/time_index.h"
#include "broker/log/transaction_index.h"

namespace millrace::log {

struct SegmentView {
  Offset base_offset;
  std::shared_ptr<CachedFile> log_file;
  std::uint64_t size_bytes = 0;
  OffsetIndexView offset_index;
  TimeIndexView time_index;
  TransactionIndexView transactions;

  // The first batch whose last offset is at least `offset`; nullopt when all are below it.
  [[nodiscard]] Result<std::optional<ScannedBatch>> find_batch(Offset offset) const;
  // The same from a position on, where a batch starts.
  [[nodiscard]] Result<std::optional<ScannedBatch>> find_batch_from(std::uint64_t position, Offset offset) const;
  // The first record at or above `from` whose timestamp is at least `timestamp`; nullopt when there is none.
  [[nodiscard]] Result<std::optional<TimestampOffset>> find_timestamp(TimestampMs timestamp, Offset from) const;
  // The first record that has `timestamp`, which is the largest of the batch that ends at `batch_last_offset`.
  [[nodiscard]] Result<std::optional<TimestampOffset>> find_max_timestamp(TimestampMs timestamp,
                                                                          Offset batch_last_offset) const;
};

// The bytes of a whole batch.
Result<std::vector<std::uint8_t>> read_batch(const File& file, const ScannedBatch& batch);

}  // namespace millrace::log

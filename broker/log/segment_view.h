// What a thread other than the owning shard needs to read a segment: its files and how far they were written when the view
// was taken. An index entry that does not fit the batch that it leads to is not believed: the search then begins at the segment's
// start. All reads block, without an `only` (page_cache_reads.h). Errors: io and its kin; corrupt names the file and the position.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/log/batch_scanner.h"
#include "broker/log/fetch_data.h"
#include "broker/log/file_cache.h"
#include "broker/log/offset_index.h"
#include "broker/log/page_cache_reads.h"
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
  // Gets what is wrong with index entries that lead astray, for who looks afterwards whether the segment is still the log's;
  // nullptr: nobody asks.
  std::shared_ptr<std::vector<std::string>> doubts{};

  // The first batch whose last offset is at least `offset`; nullopt when all are below it.
  [[nodiscard]] Result<std::optional<ScannedBatch>> find_batch(Offset offset, PageCacheReads* only = nullptr) const;
  // The same from a position on, where a batch starts.
  [[nodiscard]] Result<std::optional<ScannedBatch>> find_batch_from(std::uint64_t position, Offset offset,
                                                                    PageCacheReads* only = nullptr) const;
  // The first record at or above `from` whose timestamp is at least `timestamp`; nullopt when there is none.
  [[nodiscard]] Result<std::optional<TimestampOffset>> find_timestamp(TimestampMs timestamp, Offset from) const;
  // The first record that has `timestamp`, which is the largest of the batch that ends at `batch_last_offset`.
  [[nodiscard]] Result<std::optional<TimestampOffset>> find_max_timestamp(TimestampMs timestamp,
                                                                          Offset batch_last_offset) const;

  // Where a search that begins with this entry reads from; nullopt when it does not fit the batch there, so that it begins at 0.
  [[nodiscard]] Result<std::optional<std::uint64_t>> trusted_position(const File& file, const OffsetIndexEntry& entry,
                                                                      PageCacheReads* only = nullptr) const;
  [[nodiscard]] Result<std::optional<std::uint64_t>> trusted_position(const File& file,
                                                                      const TimeIndexEntry& entry) const;

 private:
  void leads_astray(const std::string& what) const;
};

// The bytes of a whole batch.
Result<std::vector<std::uint8_t>> read_batch(const File& file, const ScannedBatch& batch);

}  // namespace millrace::log

// The transaction index of a segment (".txnindex"): the aborted transactions whose markers lie in the segment, in the order of
// the markers (Kafka: TransactionIndex, AbortedTxn; KIP-98). The records of such a transaction may lie in earlier segments.
//
//     int16  version (0)
//     int64  producer id
//     int64  first offset: of the transaction's first record
//     int64  last offset: of its marker
//     int64  last stable offset: everything below was decided once the marker was there
//
// Invariants: last offsets strictly increase and are not below the segment's base offset. The file is made with the first entry;
// most segments have none. Entries go to the page cache at once. Owned by the shard of the segment; TransactionIndexView: any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/log/aborted_transaction.h"
#include "broker/log/file_cache.h"
#include "broker/log/page_cache_reads.h"

namespace millrace::log {

// The entries that were in the file when the view was taken. Reading blocks, without an `only` (page_cache_reads.h).
class TransactionIndexView {
 public:
  TransactionIndexView(std::shared_ptr<CachedFile> file, std::size_t entries)
      : file_(std::move(file)), entries_(entries) {}

  [[nodiscard]] std::size_t entries() const { return entries_; }
  [[nodiscard]] std::string path() const { return file_->path(); }
  // Adds the transactions that have records or a marker in [from, bound). True: no later segment has any more of them.
  Result<bool> collect(Offset from, Offset bound, std::vector<AbortedTransaction>& into,
                       PageCacheReads* only = nullptr) const;
  [[nodiscard]] Result<std::vector<AbortedTransaction>> all() const;
  // corrupt when one of them cannot be right.
  [[nodiscard]] Result<std::vector<AbortedTransaction>> read(std::size_t first, std::size_t count,
                                                             PageCacheReads* only = nullptr) const;

 private:
  friend class TransactionIndex;

  [[nodiscard]] Result<std::size_t> first_that_ends_at_or_behind(Offset offset, PageCacheReads* only = nullptr) const;

  std::shared_ptr<CachedFile> file_;
  std::size_t entries_;
};

class TransactionIndex {
 public:
  static constexpr std::size_t entry_bytes = 34;

  TransactionIndex(Offset base_offset, std::shared_ptr<CachedFile> file)
      : base_offset_(base_offset), file_(std::move(file)) {}

  // Takes over what is there; no file is an empty index. corrupt when entries cannot be right. Blocks.
  Status load();
  // Its last offset is above the last entry's. After a failure the index is as it was; bytes behind it may be left in the file.
  Status append(const AbortedTransaction& transaction);
  // Forgets the transactions whose markers are at or above `end`, for good. Blocks.
  Status truncate_to(Offset end);
  // Forgets all, for good; a file that is there stays. Blocks.
  Status reset();

  [[nodiscard]] std::size_t entries() const { return entries_; }
  [[nodiscard]] bool empty() const { return entries_ == 0; }
  [[nodiscard]] const AbortedTransaction& last() const { return last_; }  // only when it is not empty
  [[nodiscard]] TransactionIndexView view() const { return {file_, entries_}; }
  [[nodiscard]] const std::shared_ptr<CachedFile>& file() const { return file_; }

 private:
  Status cut(std::size_t entries);

  const Offset base_offset_;
  std::shared_ptr<CachedFile> file_;
  std::size_t entries_ = 0;
  AbortedTransaction last_;
};

}  // namespace millrace::log

// A sparse index of a segment on disk: entries of one fixed size, ordered, appended only. While its segment is active the file
// is as long as it may become (a hole, as Kafka leaves it) and is trimmed to its entries when the segment is sealed or closed.
//
// The newest entries are kept in memory and written in groups: after a crash the index of every segment above the recovery
// point is built anew, so that an entry may come to the file late. Only the shard that owns the segment calls IndexFile;
// IndexView is a snapshot for any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "broker/base/bytes.h"
#include "broker/base/result.h"
#include "broker/log/file_cache.h"
#include "broker/log/page_cache_reads.h"

namespace millrace::log {

// The entries that were in the file when the view was taken. Reading blocks, without an `only` (page_cache_reads.h).
class IndexView {
 public:
  IndexView(std::shared_ptr<CachedFile> file, std::size_t entry_bytes, std::size_t entries)
      : file_(std::move(file)), entry_bytes_(entry_bytes), entries_(entries) {}

  [[nodiscard]] std::size_t entries() const { return entries_; }
  [[nodiscard]] std::string path() const { return file_->path(); }

  // The last entry for which `at_most(entry)` is true, when the entries for which it is true come first; nullopt when there is none.
  template <class AtMost>
  Result<std::optional<std::vector<std::uint8_t>>> last_where(AtMost at_most, PageCacheReads* only = nullptr) const;
  // The number of entries for which `is_before(entry)` is true, when those come first.
  template <class IsBefore>
  Result<std::size_t> count_where(IsBefore is_before) const;
  Result<std::vector<std::uint8_t>> read(std::size_t first, std::size_t count, PageCacheReads* only = nullptr) const;

 private:
  std::shared_ptr<CachedFile> file_;
  std::size_t entry_bytes_;
  std::size_t entries_;
};

class IndexFile {
 public:
  static constexpr std::size_t written_together = 64;  // entries that wait in memory before they are written
  static constexpr std::size_t kept_in_memory = 2048;  // at least this many of the newest, once they were appended here

  // `max_bytes`: segment.index.bytes.
  IndexFile(std::shared_ptr<CachedFile> file, std::size_t entry_bytes, std::size_t max_bytes);

  // Takes over what the file has. corrupt when its size is not a multiple of an entry's.
  Status load();
  // Makes the file empty.
  Status create();
  // Cuts a file that has not been loaded behind its first so many entries.
  Status cut(std::size_t entries);
  // Writes what waits and cuts the file behind its last entry.
  Status trim();
  // Writes what waits. After a failure it waits on. Before the first entry the file is made as long as it may become, so that one
  // that was never trimmed shows; those of logs that nobody writes to stay as they are.
  Status write_pending();
  // Whether the file was written to or cut since this was asked last: whoever asks syncs it.
  [[nodiscard]] bool take_unsynced() { return std::exchange(unsynced_, false); }
  // Frees the entries in memory, where the file has them all: nobody is to read this index often any more.
  void forget();
  void set_max_bytes(std::size_t max_bytes) { max_entries_ = max_bytes / entry_bytes_; }

  // An entry that cannot be kept because the disk has refused to take the ones before it is left out: the index is sparse anyway.
  void append(BytesView entry);

  [[nodiscard]] std::size_t entries() const { return entries_; }
  [[nodiscard]] std::size_t max_entries() const { return max_entries_; }
  // Number of the first entry that is in memory; entries() when none is.
  [[nodiscard]] std::size_t memory_begin() const { return entries_ - memory_.size() / entry_bytes_; }
  [[nodiscard]] const std::uint8_t* in_memory(std::size_t entry) const {
    return memory_.data() + (entry - memory_begin()) * entry_bytes_;
  }
  [[nodiscard]] IndexView view() const { return {file_, entry_bytes_, written_}; }
  [[nodiscard]] const std::shared_ptr<CachedFile>& file() const { return file_; }

 private:
  Status extend();

  std::shared_ptr<CachedFile> file_;
  const std::size_t entry_bytes_;
  std::size_t max_entries_;
  std::size_t entries_ = 0;
  std::size_t written_ = 0;           // of entries_; the rest waits in memory_
  std::vector<std::uint8_t> memory_;  // the newest entries
  bool extended_ = false;             // the file is longer than its entries
  bool unsynced_ = false;
};

template <class AtMost>
Result<std::optional<std::vector<std::uint8_t>>> IndexView::last_where(AtMost at_most, PageCacheReads* only) const {
  static constexpr std::size_t block = 256;  // entries read at once when the place is nearly known
  std::size_t low = 0;                       // at_most holds for all before low
  std::size_t high = entries_;               // and for none from high on
  while (high - low > block) {
    auto middle = low + (high - low) / 2;
    auto entry = read(middle, 1, only);
    if (!entry) return tl::unexpected(entry.error());
    (at_most(entry->data()) ? low = middle + 1 : high = middle);
  }
  auto first = low == 0 ? 0 : low - 1;
  auto entries = read(first, high - first, only);
  if (!entries) return tl::unexpected(entries.error());
  const std::uint8_t* found = nullptr;
  for (std::size_t at = 0; at < entries->size() && at_most(entries->data() + at); at += entry_bytes_)
    found = entries->data() + at;
  if (found == nullptr) return std::nullopt;
  return std::vector<std::uint8_t>(found, found + entry_bytes_);
}

template <class IsBefore>
Result<std::size_t> IndexView::count_where(IsBefore is_before) const {
  std::size_t low = 0;
  for (std::size_t high = entries_; low < high;) {
    const auto middle = low + (high - low) / 2;
    auto entry = read(middle, 1);
    if (!entry) return tl::unexpected(entry.error());
    (is_before(entry->data()) ? low = middle + 1 : high = middle);
  }
  return low;
}

}  // namespace millrace::log

// The offset index of a segment (".index"): from offsets to positions in the log file, one entry for about every
// index.interval.bytes (Kafka: OffsetIndex).
//
//     int32  relative offset: the last offset of a batch, minus the segment's base offset
//     int32  position of that batch
//
// In entries that Kafka made before 3.9.1 (KAFKA-806) the position is that of the first of the batches that were appended
// together, and the offset, where its cleaner wrote them, that of their last record.
//
// Invariants: offsets strictly increase, positions increase. An offset is looked up as the last entry at or below it: its
// batch starts at that entry's position or later. Owned by the shard of the segment; OffsetIndexView: any thread,
// blocks, without an `only` (page_cache_reads.h).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/log/index_file.h"

namespace millrace::log {

struct OffsetIndexEntry {
  Offset offset;
  std::uint32_t position;

  friend bool operator==(const OffsetIndexEntry&, const OffsetIndexEntry&) = default;
};

class OffsetIndexView {
 public:
  OffsetIndexView(Offset base_offset, IndexView view) : base_offset_(base_offset), view_(std::move(view)) {}

  // {base offset, 0} when no entry is at or below `target`.
  [[nodiscard]] Result<OffsetIndexEntry> lookup(Offset target, PageCacheReads* only = nullptr) const;
  [[nodiscard]] Result<OffsetIndexEntry> entry(std::size_t number, PageCacheReads* only = nullptr) const;
  // The first entry whose position is at least `position`, but never the very first when it is there exactly, as Kafka's search
  // has it; nullopt when there is none.
  [[nodiscard]] Result<std::optional<OffsetIndexEntry>> first_from(std::uint64_t position,
                                                                   PageCacheReads* only = nullptr) const;
  // How many entries, counted from the first, are below `end`.
  [[nodiscard]] Result<std::size_t> entries_below(Offset end) const;
  [[nodiscard]] std::size_t entries() const { return view_.entries(); }
  [[nodiscard]] std::string path() const { return view_.path(); }

 private:
  Offset base_offset_;
  IndexView view_;
};

class OffsetIndex {
 public:
  static constexpr std::size_t entry_bytes = 8;

  OffsetIndex(Offset base_offset, std::shared_ptr<CachedFile> file, std::size_t max_bytes)
      : base_offset_(base_offset), file_(std::move(file), entry_bytes, max_bytes), last_offset_(base_offset) {}

  // Takes over the file of a sealed or cleanly closed segment, whose log file has `log_size_bytes`. corrupt when entries cannot be
  // right; not_found without a file.
  Status load(std::uint64_t log_size_bytes);
  Status create();
  Status cut(std::size_t entries) { return file_.cut(entries); }  // before load
  Status trim() { return file_.trim(); }
  Status write_pending() { return file_.write_pending(); }
  [[nodiscard]] bool take_unsynced() { return file_.take_unsynced(); }
  void forget() { file_.forget(); }
  void set_max_bytes(std::size_t max_bytes) { file_.set_max_bytes(max_bytes); }

  // `offset` is larger than the last one's.
  void append(Offset offset, std::uint32_t position);

  [[nodiscard]] std::size_t entries() const { return file_.entries(); }
  [[nodiscard]] bool full() const { return room() == 0; }
  [[nodiscard]] std::size_t room() const {
    return file_.max_entries() - std::min(file_.entries(), file_.max_entries());
  }
  [[nodiscard]] Offset last_offset() const { return last_offset_; }
  [[nodiscard]] std::uint32_t last_position() const { return last_position_; }  // 0 without an entry
  // As OffsetIndexView::lookup, when the entries in memory are enough for it.
  [[nodiscard]] std::optional<OffsetIndexEntry> lookup_in_memory(Offset target) const;
  [[nodiscard]] OffsetIndexView view() const { return {base_offset_, file_.view()}; }
  [[nodiscard]] const std::shared_ptr<CachedFile>& file() const { return file_.file(); }

 private:
  Offset base_offset_;
  IndexFile file_;
  Offset last_offset_;  // of the last entry; the base offset without one
  std::uint32_t last_position_ = 0;
};

}  // namespace millrace::log

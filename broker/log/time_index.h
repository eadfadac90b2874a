// The time index of a segment (".timeindex"): the largest timestamp up to an offset (Kafka: TimeIndex).
//
//     int64  timestamp: the largest in the segment up to and with the batch of the offset
//     int32  relative offset: the last offset of the batch that has it, minus the segment's base offset
//
// Invariants: timestamps strictly increase, offsets do not decrease. The last entry, appended when the segment is sealed or
// closed, has the segment's largest timestamp. Owned by the shard of the segment; TimeIndexView: any thread, blocks.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/log/index_file.h"

namespace millrace::log {

struct TimeIndexEntry {
  TimestampMs timestamp;
  Offset offset;

  friend bool operator==(const TimeIndexEntry&, const TimeIndexEntry&) = default;
};

class TimeIndexView {
 public:
  TimeIndexView(Offset base_offset, IndexView view) : base_offset_(base_offset), view_(std::move(view)) {}

  // The last entry whose timestamp is at most `timestamp`; {none(), base offset} when there is none.
  [[nodiscard]] Result<TimeIndexEntry> lookup(TimestampMs timestamp) const;
  [[nodiscard]] Result<TimeIndexEntry> entry(std::size_t number) const;
  // How many entries, counted from the first, have offsets below `end`.
  [[nodiscard]] Result<std::size_t> entries_below(Offset end) const;
  [[nodiscard]] std::size_t entries() const { return view_.entries(); }
  [[nodiscard]] std::string path() const { return view_.path(); }

 private:
  Offset base_offset_;
  IndexView view_;
};

class TimeIndex {
 public:
  static constexpr std::size_t entry_bytes = 12;

  TimeIndex(Offset base_offset, std::shared_ptr<CachedFile> file, std::size_t max_bytes)
      : base_offset_(base_offset),
        file_(std::move(file), entry_bytes, max_bytes),
        last_{TimestampMs::none(), base_offset} {}

  // As OffsetIndex::load.
  Status load();
  Status create();
  Status cut(std::size_t entries) { return file_.cut(entries); }  // before load
  Status trim() { return file_.trim(); }
  Status write_pending() { return file_.write_pending(); }
  [[nodiscard]] bool take_unsynced() { return file_.take_unsynced(); }
  void forget() { file_.forget(); }
  void set_max_bytes(std::size_t max_bytes) { file_.set_max_bytes(max_bytes); }

  // Does nothing when `timestamp` is not larger than the last one's, or when only the place of the last entry is left.
  void maybe_append(TimestampMs timestamp, Offset offset);
  // The entry that seals the segment.
  void append_last(TimestampMs timestamp, Offset offset);

  [[nodiscard]] std::size_t entries() const { return file_.entries(); }
  // One place is kept for the entry that seals the segment: without it the segment's largest timestamp would be lost.
  [[nodiscard]] bool full() const { return room() == 0; }
  [[nodiscard]] std::size_t room() const {
    return file_.max_entries() - std::min(file_.entries() + 1, file_.max_entries());
  }
  [[nodiscard]] const TimeIndexEntry& last() const { return last_; }  // {none(), base offset} without one
  [[nodiscard]] TimeIndexView view() const { return {base_offset_, file_.view()}; }
  [[nodiscard]] const std::shared_ptr<CachedFile>& file() const { return file_.file(); }

 private:
  Offset base_offset_;
  IndexFile file_;
  TimeIndexEntry last_;
};

}  // namespace millrace::log

// The entries of a closed segment's indexes against the batches that they point to. Each check is shown the batches of the
// segment in order, and asks the entries of its index one after another; what does not fit is told to `tell`, with the
// index's file and the entry.
//
// What an entry must fit (offset_index.h, time_index.h, transaction_index.h):
//   offset index       a batch begins at the position, and the offset is the last of a batch from there on, before the next
//                      entry's position (Kafka before 3.9.1 made one entry for several batches that were appended together,
//                      and its cleaner named the last record that was left: so it may be one in the middle of a batch that
//                      has lost records)
//   time index         a batch has the offset and the timestamp, and none before it a larger one
//   transaction index  the offset is that of a marker that aborts a transaction of the producer; where its first record is in the
//                      segment, that is its first offset; every such transaction has an entry (of more than 100,000
//                      producers only the markers are looked for)
//
// Blocks; one thread. Errors: those of the files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/file.h"
#include "broker/base/result.h"
#include "broker/log/batch_scanner.h"
#include "broker/log/producer_state.h"
#include "broker/log/segment_view.h"

namespace millrace::log {

using TellIndexDamage = std::function<void(const std::string& what)>;

class OffsetIndexCheck {
 public:
  OffsetIndexCheck(OffsetIndexView index, TellIndexDamage tell) : index_(std::move(index)), tell_(std::move(tell)) {}

  Status begin() { return read(0); }
  Status on_batch(const ScannedBatch& batch);
  // No batches are known between two positions: entries that lead there are passed over.
  Status on_hole(std::uint64_t from, std::uint64_t to);
  Status finish();

 private:
  Status read(std::size_t number);
  Status next() { return read(number_ + 1); }
  Status wrong(const std::string& why);

  const OffsetIndexView index_;
  const TellIndexDamage tell_;
  std::size_t number_ = 0;
  std::optional<OffsetIndexEntry> entry_;  // the one with that number; nullopt behind the last one
  std::optional<OffsetIndexEntry> behind_;
  bool begun_ = false;  // a batch begins at its position
};

class TimeIndexCheck {
 public:
  TimeIndexCheck(TimeIndexView index, TellIndexDamage tell) : index_(std::move(index)), tell_(std::move(tell)) {}

  Status begin() { return read(0); }
  Status on_batch(const ScannedBatch& batch);
  // No batches are known with offsets in [from, to).
  Status on_hole(Offset from, Offset to);
  Status finish();

 private:
  Status read(std::size_t number);
  Status wrong(const std::string& why);

  const TimeIndexView index_;
  const TellIndexDamage tell_;
  std::size_t number_ = 0;
  std::optional<TimeIndexEntry> entry_;
  std::optional<TimeIndexEntry> behind_;
  TimestampMs largest_ = TimestampMs::none();  // of the batches so far
  bool largest_known_ = true;
};

class TransactionIndexCheck {
 public:
  static constexpr std::size_t entries_together = 512;  // that are read, and kept

  // `complete`: no records are missing in the segment, as compaction leaves them out.
  TransactionIndexCheck(TransactionIndexView index, Offset base_offset, bool complete, TellIndexDamage tell,
                        std::size_t most_producers = 100'000)
      : index_(std::move(index)),
        base_offset_(base_offset),
        complete_(complete),
        most_producers_(most_producers),
        tell_(std::move(tell)) {}

  Status begin() { return read_entries(); }
  Status on_batch(const File& file, const ScannedBatch& batch);
  Status on_hole(Offset from, Offset to);
  Status finish();

 private:
  // Nothing behind the last one.
  [[nodiscard]] const AbortedTransaction* entry() const { return at_ < entries_.size() ? &entries_[at_] : nullptr; }
  Status next();
  Status read_entries();
  Status pass_entries_below(Offset offset);
  Status on_marker(const ProducerAppend& append);
  void know_fewer();
  // What is wrong with an entry whose offset is the marker's; empty: nothing.
  [[nodiscard]] std::string against_marker(const AbortedTransaction& entry, const ProducerAppend& append) const;
  [[nodiscard]] std::string against_others(const AbortedTransaction& entry) const;
  void wrong(const AbortedTransaction& entry, const std::string& why) const;

  const TransactionIndexView index_;
  const Offset base_offset_;
  bool complete_;
  const std::size_t most_producers_;
  const TellIndexDamage tell_;
  std::vector<AbortedTransaction> entries_;  // of the index, some that follow each other …
  std::size_t at_ = 0;                       // … the next one of them …
  std::size_t read_to_ = 0;                  // … and where they end in the index
  std::map<ProducerId, Offset> open_;        // of transactions that began here: the first offset
  std::set<ProducerId> known_;               // producers whose transactions are known, since one has ended here
};

}  // namespace millrace::log

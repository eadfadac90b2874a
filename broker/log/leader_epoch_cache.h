// Which leader epoch wrote which offsets: for each epoch the offset where it starts (Kafka: LeaderEpochFileCache; KIP-101, KIP-279).
//
//     epoch    0            2        3
//              |------------|--------|-------- log end
//     start    0            120      180
//
// Invariants: epochs and start offsets strictly increase. The file is written by whoever owns the cache, when changed() says so.
// No I/O. Owned by the log's shard.
#pragma once

#include <vector>

#include "broker/base/types.h"
#include "broker/log/checkpoint_file.h"
#include "broker/log/fetch_data.h"

namespace millrace::log {

class LeaderEpochCache {
 public:
  LeaderEpochCache() = default;
  // Of a checkpoint; entries that break the order are resolved as assign does.
  explicit LeaderEpochCache(const std::vector<EpochStart>& entries);

  // Batches of `epoch` start at `start_offset`. Nothing changes when that is known already; later entries that contradict it go.
  // Returns whether something changed. `epoch` is at least 0.
  bool assign(LeaderEpoch epoch, Offset start_offset);

  [[nodiscard]] LeaderEpoch latest() const { return entries_.empty() ? LeaderEpoch::none() : entries_.back().epoch; }
  [[nodiscard]] LeaderEpoch epoch_for(Offset offset) const;  // none() before the first entry
  // The end of the largest epoch at or below `requested`: where the next one starts, or `log_end` for the latest. none() for both
  // when `requested` is none() or larger than the latest; {requested, start of the first} when it is older than all.
  [[nodiscard]] EpochEndOffset end_offset_for(LeaderEpoch requested, Offset log_end) const;

  // Forgets what starts at or above `end`. Returns whether something changed.
  bool truncate_from_end(Offset end);
  // Forgets epochs that lie wholly below `start`; the one that holds it starts there now.
  bool truncate_from_start(Offset start);

  [[nodiscard]] const std::vector<EpochStart>& entries() const { return entries_; }

 private:
  std::vector<EpochStart> entries_;
};

}  // namespace millrace::log

// The segments that an unclean stop may have damaged, put in order (Kafka: LogLoader.recoverLog and recoverSegment).
// Each is read whole and gets new indexes (segment_recovery.h); the log ends at the first batch that is bad, or where
// the first record is missing:
//
//     …segment|segment|segment|segment(active)
//                  ^ recovery point        ^ first bad batch: cut here, drop what follows
//        trusted   |------- checked -------|
//
//     joins     one segment ends, the next begins: the same offset. The later file's pages may have reached the disk
//               without the earlier one's. Compaction leaves gaps that are none; the journal's records for one go there
//     cut       segments that follow go first: with them behind it, one that is cut already would look whole
//     not cut   below the recovery point, where the disk had confirmed the data: corrupt, and the log is not served;
//               what a failed append has left where the next segment joins is none of the segment's
//
// Kafka cuts below the recovery point, too, and leaves gaps between segments as they are.
//
// A phase of a load (load_context.h); blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "broker/base/result.h"
#include "broker/log/epoch_recovery.h"
#include "broker/log/journal_recovery.h"
#include "broker/log/load_context.h"
#include "broker/log/producer_recovery.h"
#include "broker/log/recovery_progress.h"
#include "broker/log/segment_recovery.h"

namespace millrace::log {

class LogRecovery {
 public:
  LogRecovery(LoadContext& load, EpochRecovery& epochs, ProducerRecovery& producers, JournalRecovery& journal);

  // Segments from `first` on, and what the journal has behind them.
  Status recover_from(std::size_t first);
  // Checks segment `number` and builds its indexes anew; cuts it at the first bad batch and drops the segments behind
  // it then.
  Status recover(std::size_t number);
  // The same for a segment that was trusted, but for its indexes. They are synced: nothing else does that below the
  // recovery point.
  Status rebuild_indexes(std::size_t number);
  // Drops the segments behind the first `keep` for good: what comes back after a crash would be taken for what was
  // appended since. Returns how many bytes their log files had.
  Result<std::uint64_t> drop_from(std::size_t keep);

  // The segment that was recovered last, which is in the page cache now; null before.
  [[nodiscard]] const LogSegment* last_recovered() const { return last_recovered_; }

 private:
  Result<SegmentScan> scan(std::size_t number);
  Status sync_transactions(const LogSegment& segment);
  Status check_join(std::size_t number);
  Status restore_gap(std::size_t number);
  Status restore_end();
  Status cut(std::size_t number, const std::string& where, std::size_t keep);
  Result<std::uint64_t> last_file_bytes();

  LoadContext& load_;
  EpochRecovery& epochs_;
  ProducerRecovery& producers_;
  JournalRecovery& journal_;
  RecoveryProgress progress_;
  SegmentScan scan_;  // of the segment that was recovered last
  const LogSegment* last_recovered_ = nullptr;
};

}  // namespace millrace::log

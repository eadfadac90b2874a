// The leader epochs of a log that is loaded: those of leader-epoch-checkpoint, made to agree with its batches (Kafka:
// LogLoader.load with LeaderEpochFileCache.truncateFromEnd and truncateFromStart, and what LogSegment.recover assigns).
//
//     file      0         2                  5         epochs that start behind the log's end or below its start go
//     batches   |— 0 ——|— 2 ————|— 3 —|— 4 —|         those that were read in the recovery come to the file's
//
// Kafka believes the file. Here one that is gone, damaged or contradicts a batch that was read is built anew from all
// batches, and epochs that it lacks for the first records are found: a crash may bring back records whose epochs it has
// lost already.
//
// A phase of a load (load_context.h); blocks.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/result.h"
#include "broker/log/batch_scanner.h"
#include "broker/log/load_context.h"

namespace millrace::log {

class EpochRecovery {
 public:
  explicit EpochRecovery(LoadContext& load) : load_(load) {}

  // A batch was read and is good; they come in order.
  void saw(const ScannedBatch& batch);
  // Whether or not others were read: the last batch of the log begins there.
  void saw_last(EpochStart last) { last_ = last; }
  // Of the batches that were seen; none() before.
  [[nodiscard]] LeaderEpoch latest_seen() const { return seen_.empty() ? LeaderEpoch::none() : seen_.back().epoch; }
  // How many epochs were seen, and back to that: what followed was no part of the log.
  [[nodiscard]] std::size_t seen() const { return seen_.size(); }
  void back_to(std::size_t seen) { seen_.erase(seen_.begin() + static_cast<std::ptrdiff_t>(seen), seen_.end()); }
  // What begins at `offset` or behind it is read anew.
  void forget_from(Offset offset) {
    std::erase_if(seen_, [&](const EpochStart& seen) { return seen.start_offset >= offset; });
  }

  // Makes the log's epochs, and writes their file where it lacks what is needed. The log's start and end are known.
  Status load();

 private:
  Result<std::vector<EpochStart>> read_or_rebuild(const std::string& path);
  [[nodiscard]] std::optional<std::string> contradiction_of(const std::vector<EpochStart>& entries) const;
  Status complete(std::vector<EpochStart>& entries);
  Status scan(Offset end);

  LoadContext& load_;
  std::vector<EpochStart> seen_;
  EpochStart last_{LeaderEpoch::none(), Offset(0)};
};

}  // namespace millrace::log

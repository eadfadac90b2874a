// The producers of a log that is loaded, as they are at its end: sequences, epochs, open transactions (Kafka:
// LogLoader.recoverSegment and UnifiedLog.rebuildProducerState).
//
//     snapshots      ^10        ^20                    the newest that can be read …
//     segments   |———|——————————|——————————|———|       … and the batches behind it
//                               |— recovered —|        what recovery reads anyway is followed, not read twice
//
// A segment that is recovered needs the producers of everything below it: transactions that end in it, and go to its
// transaction index when they were aborted, may have begun before.
//
// A phase of a load (load_context.h); blocks.
#pragma once

#include <cstddef>
#include <optional>

#include "broker/base/file.h"
#include "broker/base/result.h"
#include "broker/log/batch_scanner.h"
#include "broker/log/load_context.h"

namespace millrace::log {

class ProducerRecovery {
 public:
  explicit ProducerRecovery(LoadContext& load) : load_(load) {}

  // Makes the producers those of everything below segment `number`, which is about to be read. Leaves a snapshot there
  // when the segment before it was followed: the next start may be an unclean one, too, and would have to read further
  // back.
  Status bring_to(std::size_t number);
  // A batch of that segment is good. An aborted transaction that it ends goes to the segment's index.
  Status follow(LogSegment& segment, const File& file, const ScannedBatch& batch);
  // All of segment `number` was followed; it ends at this offset.
  void followed(std::size_t number, Offset end);
  // What was followed was no part of the log.
  void forget() { followed_.reset(); }

  // Makes the log's producers, removes snapshots that belong to nothing. The log's start, end and high watermark are
  // known.
  Status load();

 private:
  LoadContext& load_;
  std::optional<std::size_t> followed_;  // the segment at whose end the producers are
};

}  // namespace millrace::log

// A log as the journal of its directory sees it. It may leave, and come back: every stay of a log in a journal has a
// number of its own, and what a journal says or asks of one that is over concerns the log no more.
#pragma once

#include <cstdint>

#include "broker/base/result.h"
#include "broker/base/shard.h"
#include "broker/base/types.h"
#include "broker/base/unique_function.h"
#include "broker/base/uuid.h"

namespace millrace::log {

using JournalStay = std::uint64_t;

class JournaledLog {
 public:
  JournaledLog() = default;
  JournaledLog(const JournaledLog&) = delete;
  JournaledLog& operator=(const JournaledLog&) = delete;
  virtual ~JournaledLog() = default;

  // Any thread.
  [[nodiscard]] virtual const TopicPartition& partition_of() const = 0;
  [[nodiscard]] virtual const TopicId& topic_id_of() const = 0;
  [[nodiscard]] virtual Shard& home() const = 0;
  // Whether the stay is over, or its segments have, on the disk for sure, whatever it still has below `end`.
  [[nodiscard]] virtual bool has_synced(JournalStay stay, Offset end) const = 0;

  // On its shard. What was written to the journal, up to `end`, is on the disk; or is not, and why.
  virtual void journaled(JournalStay stay, Offset end, const Status& status) = 0;
  // On its shard: the journal needs the space that its records take.
  virtual void sync_segments(JournalStay stay, UniqueFunction<void(Status)> done) = 0;
};

}  // namespace millrace::log

// What a log with flush.messages=1 was told to be on the disk, its segments lack and the journal of its log directory
// has: written back to the log files while the log is loaded (log_restore.h), for recovery to read.
//
// A phase of a load (load_context.h); blocks. Kafka has no journal.
#pragma once

#include <cstddef>

#include "broker/base/result.h"
#include "broker/log/load_context.h"
#include "broker/log/log_restore.h"

namespace millrace::log {

class JournalRecovery {
 public:
  explicit JournalRecovery(LoadContext& load) : load_(load) {}

  // Whether the journal has anything of this log.
  [[nodiscard]] bool has_records() const;
  // What follows `end`, where the last segment ends, or the log begins without one.
  Result<Restored> restore_end(Offset end);
  // What is missing between `end`, where segment `number` ends, and the segment behind it.
  Result<Restored> restore_gap(std::size_t number, Offset end);

 private:
  Result<RestoreRequest> request();
  Result<Restored> note(Result<Restored> restored);

  LoadContext& load_;
};

}  // namespace millrace::log

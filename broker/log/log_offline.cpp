// A log whose disk has failed, for as long as the process lives.
#include <utility>

#include "broker/log/partition_log_state.h"

namespace millrace::log {

// What is under way on the pool ends by itself, with the failure that any change of an offline directory has.
void PartitionLog::State::go_offline(const Error& why) {
  if (offline) return;
  offline = true;
  compaction_aborted = true;
  failure = why.message;
  sync_failure_ = why.message;
  for (auto waiting = std::exchange(waiting_flushes_, {}); auto& flush : waiting)
    flush.done(fail(ErrorKind::io, name + " is offline: " + why.message));
  serve_waiting_appends(fail(ErrorKind::io, name + " is offline: " + why.message));
}

std::optional<ReadError> PartitionLog::State::unreadable() const {
  if (stopped) return read_error(ReadErrorKind::closed, name + " is closed");
  if (offline) return read_error(ReadErrorKind::storage, name + " is offline: " + *failure);
  return std::nullopt;
}

void PartitionLog::go_offline(const Error& why) { state_->go_offline(why); }
bool PartitionLog::is_offline() const { return state_->offline; }

}  // namespace millrace::log

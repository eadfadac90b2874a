// Which logs of a broker have segments whose time may have come, and when: a look at retention touches those that are
// due, not all.
//
// Each log tells its own instant (PartitionLog::State::schedule_retention). Compacted logs stand apart, because the
// cleaner's rhythm is theirs (Kafka: LogManager.cleanupLogs, LogCleaner.CleanerThread.tryCleanFilthiestLog).
//
// Any thread; the lock is held for a few instructions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "broker/base/types.h"

namespace millrace::log {

class PartitionLog;

class RetentionSchedule {
 public:
  // A log's place in the schedule: where it is, if anywhere.
  struct Place {
    TimestampMs due;
    bool compacted = false;
    std::uint64_t number = 0;  // the schedule's own: who comes first is served first

    friend bool operator==(const Place& one, const Place& other) {
      return one.due == other.due && one.compacted == other.compacted;
    }
  };

  // Moves the log from `place` to where it is due now; nullopt takes it out.
  void move(std::weak_ptr<PartitionLog> pointer, std::optional<Place>& place, std::optional<Place> wanted);

  // The logs that are due by `now`. They stay in their places until they say where they are due next.
  [[nodiscard]] std::vector<std::shared_ptr<PartitionLog>> due(TimestampMs now, bool compacted) const;
  [[nodiscard]] std::size_t size() const;

 private:
  using Queue = std::map<std::pair<TimestampMs, std::uint64_t>, std::weak_ptr<PartitionLog>>;

  mutable std::mutex mutex_;
  std::uint64_t next_ = 0;
  Queue plain_;
  Queue compacted_;
};

}  // namespace millrace::log

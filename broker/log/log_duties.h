// What the periodic work of a log manager has to look at, so that it never looks at all logs: those that have something
// to do soon (flush.ms, producers that may expire, epochs to write), and whether any log's numbers differ from those in
// the checkpoint files.
//
// Each log enters by itself and leaves when it has nothing to do (PartitionLog::State::note_duties). The same for
// compacted logs with more than the active segment, which the cleaner looks at
// (PartitionLog::State::schedule_retention). Any thread; the lock is held for a few instructions.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace millrace::log {

class PartitionLog;

class LogDuties {
 public:
  void add(const PartitionLog* log, std::weak_ptr<PartitionLog> pointer);
  void remove(const PartitionLog* log);
  // In the order in which they came.
  [[nodiscard]] std::vector<std::shared_ptr<PartitionLog>> all() const;

 private:
  mutable std::mutex mutex_;
  std::uint64_t next_ = 0;
  std::map<std::uint64_t, std::weak_ptr<PartitionLog>> logs_;
  std::unordered_map<const PartitionLog*, std::uint64_t> places_;
};

// Whether numbers of one kind were published since they were last written down.
class ChangedNumbers {
 public:
  // Publishes `value` in `place`. Whoever takes the change afterwards sees it.
  void publish(std::atomic<std::int64_t>& place, std::int64_t value) {
    if (place.load(std::memory_order_relaxed) == value) return;
    place.store(value);
    if (!changed_.load()) changed_.store(true);
  }
  void set() { changed_.store(true); }
  bool take() { return changed_.exchange(false); }

 private:
  std::atomic<bool> changed_{false};
};

}  // namespace millrace::log

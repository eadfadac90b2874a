// What all logs of a broker share. Any thread; outlives every log.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/file.h"
#include "broker/base/random.h"
#include "broker/base/shard.h"
#include "broker/log/damage.h"
#include "broker/log/directory_health.h"
#include "broker/log/directory_state.h"
#include "broker/log/file_cache.h"
#include "broker/log/journal.h"
#include "broker/log/log_duties.h"
#include "broker/log/log_options.h"
#include "broker/log/move_bounds.h"
#include "broker/log/retention_schedule.h"
#include "broker/log/watched_files.h"

namespace millrace::log {

class LogEnvironment {
 public:
  LogEnvironment(const LogManagerOptions& chosen, FileSystem& file_system, const Clock& wall_clock,
                 BlockingPool& blocking_pool, Random& randomness)
      : options(chosen),
        health(std::make_shared<DirectoryHealth>(chosen.directories)),
        files(file_system, health),
        clock(wall_clock),
        pool(blocking_pool),
        random(randomness),
        cache(files, chosen.max_open_files),
        moves(chosen.directories.size()),
        directories(chosen.directories.size()) {}

  LogManagerOptions options;  // fixed from the load on
  // Writes the checkpoints of the log directory that `path` is in, with what its logs publish. Blocks; any thread. The manager's,
  // set before a log is loaded.
  std::function<Status(const std::string& path)> write_checkpoints = [](const std::string&) { return Status(); };
  std::shared_ptr<DirectoryHealth> health;
  WatchedFileSystem files;
  const Clock& clock;
  BlockingPool& pool;
  Random& random;
  FileCache cache;
  RetentionSchedule retention;
  LogDuties duties;
  LogDuties compacted;             // what the cleaner looks at
  LogDuties rolled;                // what the scrubber reads: logs with closed segments
  ChangedNumbers recovery_points;  // of any log, since their file was written; the next two alike
  ChangedNumbers log_starts;
  ChangedNumbers high_watermarks;
  LogManagerStatistics statistics;
  std::shared_ptr<DamageReports> damage = std::make_shared<DamageReports>();
  std::vector<std::shared_ptr<Journal>> journals;  // of each directory, as in the options; the manager's
  MoveBounds moves;
  std::vector<DirectoryProgress> directories;  // as in the options
};

}  // namespace millrace::log

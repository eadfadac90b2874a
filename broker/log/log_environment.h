// What all logs of a broker share. Any thread; outlives every log.
#pragma once

#include <atomic>
#include <cstdint>

#include "broker/base/clock.h"
#include "broker/base/file.h"
#include "broker/base/random.h"
#include "broker/base/shard.h"
#include "broker/log/file_cache.h"
#include "broker/log/log_options.h"

namespace millrace::log {

class LogEnvironment {
 public:
  LogEnvironment(const LogManagerOptions& chosen, FileSystem& file_system, const Clock& wall_clock,
                 BlockingPool& blocking_pool, Random& randomness)
      : options(chosen),
        files(file_system),
        clock(wall_clock),
        pool(blocking_pool),
        random(randomness),
        cache(file_system, chosen.max_open_files) {}

  LogManagerOptions options;  // fixed from the load on
  FileSystem& files;
  const Clock& clock;
  BlockingPool& pool;
  Random& random;
  FileCache cache;
  LogManagerStatistics statistics;
  LoadProgress progress;
};

}  // namespace millrace::log

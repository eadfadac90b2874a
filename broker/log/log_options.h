// The configuration of a broker's logs as a whole (Kafka's broker keys), and the numbers that they count.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/types.h"
#include "broker/protocol/conversion_bounds.h"

namespace millrace::log {

// A configuration says "for ever" with more milliseconds than nanoseconds can hold: more than three years is three years.
inline Duration bounded_milliseconds(std::int64_t milliseconds) {
  constexpr std::int64_t longest_ms = 100'000'000'000;
  return std::chrono::milliseconds(std::min(milliseconds, longest_ms));
}

// log.cleaner.*, all of them but `enable` may change at any time.
struct CleanerOptions {
  std::size_t threads = 1;           // passes at the same time
  std::int64_t backoff_ms = 15'000;  // between two looks, and two of retention at compacted logs
  std::uint64_t dedupe_buffer_bytes = std::uint64_t{128} << 20;  // of all passes
  double load_factor = 0.9;
  std::uint64_t io_buffer_bytes = std::uint64_t{512} << 10;  // of all passes, half of it for what they read
  double io_max_bytes_per_second = std::numeric_limits<double>::max();

  friend bool operator==(const CleanerOptions&, const CleanerOptions&) = default;
};

// millrace.log.scrub.*
struct ScrubOptions {
  std::uint64_t bytes_per_second = 0;      // of each log directory; 0: nothing is read
  std::int64_t interval_ms = 604'800'000;  // between the beginnings of two passes

  friend bool operator==(const ScrubOptions&, const ScrubOptions&) = default;
};

// Of each log directory with logs that have flush.messages=1.
struct JournalOptions {
  std::vector<std::string> directories;  // as many as log.dirs, or none: "<log.dir>.journal" then
  std::size_t files = 4;                 // 0: no journal, each log is synced by itself
  std::uint64_t file_bytes = std::uint64_t{64} << 20;
};

struct LogManagerOptions {
  std::vector<std::string> directories;  // log.dirs; made when absent
  JournalOptions journal;
  BrokerId broker_id = BrokerId::none();         // none(): whatever meta.properties says (broker.id.generation)
  std::string cluster_id;                        // empty: whatever meta.properties says
  std::int64_t checkpoint_interval_ms = 60'000;  // log.flush.offset.checkpoint.interval.ms
  std::int64_t log_start_checkpoint_interval_ms = 60'000;      // log.flush.start.offset.checkpoint.interval.ms
  std::int64_t high_watermark_checkpoint_interval_ms = 5'000;  // replica.high.watermark.checkpoint.interval.ms
  std::int64_t housekeeping_interval_ms = 3'000;               // log.flush.scheduler.interval.ms
  std::int64_t retention_check_interval_ms = 300'000;          // log.retention.check.interval.ms
  // nullopt: log.cleaner.enable is false, and logs with cleanup.policy=compact, with or without delete, keep everything.
  std::optional<CleanerOptions> cleaner = CleanerOptions{};
  ScrubOptions scrub;
  // log.initial.task.delay.ms: before retention, flush.ms and these checkpoints begin; nullopt: the interval of each.
  std::optional<std::int64_t> initial_task_delay_ms;
  std::int64_t producer_id_expiration_ms = 86'400'000;  // producer.id.expiration.ms
  Duration producer_id_expiration_check_interval =
      std::chrono::minutes(10);                           // producer.id.expiration.check.interval.ms
  std::size_t max_producers_per_partition = 100'000;      // beyond it the longest idle ones are forgotten
  std::size_t max_open_files = 4'000;                     // segment and index files kept open over all logs
  std::uint64_t tail_window_bytes = 8 * 1024 * 1024;      // of a partition's end that counts as resident
  Duration slow_append = std::chrono::milliseconds(100);  // an append that takes longer is counted and named in the log
  // Shared with who converts what is read. Never null.
  protocol::ConversionBoundsPointer conversions =
      std::make_shared<protocol::ConversionBounds>(protocol::ConversionBounds::Settings{});
  std::size_t recovery_threads = 1;  // num.recovery.threads.per.data.dir, of the pool, beside the caller
  std::size_t closing_threads = 8;   // that close logs at the stop, beside the caller: made for it
};

struct LogManagerStatistics {
  std::atomic<std::uint64_t> slow_appends{0};
  std::atomic<std::uint64_t> failed_appends{0};
  std::atomic<std::uint64_t> flushes{0};
  std::atomic<std::uint64_t> failed_flushes{0};
  std::atomic<std::uint64_t> segments_removed{0};  // by retention
};

}  // namespace millrace::log

// Who is compacted when (Kafka: LogCleaner, LogCleanerManager): each cleaner takes the log with the highest ratio of
// dirty bytes that is due, compacts it once, and looks again; with none due it waits log.cleaner.backoff.ms, the rhythm
// of compacted logs' retention too. A log whose pass fails, but for its disk or because it is to end, is left alone
// until the next start, named in the log and shown in the metrics.
//
//     home shard        look ---------------> choose ---------------------------------------------> done, look again
//     log's shard           candidates -> /          begin          swap a group in ...   end
//     cleaner's threads                                 prepare, steps / steps ... finish     checkpoint
//
// Home's shard owns it: every method is called there. What reads and writes runs on `threads` of its own, never on a
// shard, at most log.cleaner.threads passes at the same time, slowed down by log.cleaner.io.max.bytes.per.second
// between two steps.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/base/shard.h"
#include "broker/base/types.h"
#include "broker/log/cleaner_metrics.h"
#include "broker/log/io_throttle.h"
#include "broker/log/log_options.h"
#include "broker/log/partition_log.h"

namespace millrace::log {

class LogEnvironment;

class LogCleaner : public std::enable_shared_from_this<LogCleaner> {
 public:
  // What the log manager does for it.
  struct Host {
    std::function<void()> apply_retention;                        // to compacted logs that are due; on home
    std::function<Status(const PartitionLog&)> write_checkpoint;  // of the log's directory; blocks, on the threads
  };

  // The shard and the threads outlive it. `metrics` may be null.
  LogCleaner(Host host, std::shared_ptr<LogEnvironment> environment, Shard& home, BlockingPool& threads,
             const CleanerOptions& options, std::unique_ptr<CleanerMetrics> metrics);
  ~LogCleaner();

  void start() { tick(); }
  // For the next pass; the rate for those that run, too.
  void reconfigure(const CleanerOptions& options);
  // Passes end at their next step, and none begins; `done` runs when none is left.
  void stop(Job done);
  // The same for who does not wait. Any thread.
  void abandon() { stopping_ = true; }

 private:
  struct Found;
  struct Search;
  struct Pass;
  using PassPointer = std::shared_ptr<Pass>;

  void tick();
  void look();
  void look_at(const std::vector<std::shared_ptr<PartitionLog>>& logs, TimestampMs now, std::vector<Found>& found);
  void found(std::vector<Found> all);
  void show(const std::vector<Found>& all);
  [[nodiscard]] bool is_uncleanable(const PartitionLog& log) const;
  void begin(const std::shared_ptr<PartitionLog>& log);
  void prepare(const PassPointer& pass);
  void run(const PassPointer& pass);
  void run_later(const PassPointer& pass);
  void swap(const PassPointer& pass);
  void finish(const PassPointer& pass, Status status);
  void finished(const PassPointer& pass);
  void tell_finished(const Pass& pass);
  void serve_stop();
  void on_threads(const PassPointer& pass, void (LogCleaner::*work)(const PassPointer&));

  const Host host_;
  const std::shared_ptr<LogEnvironment> environment_;
  Shard& home_;
  BlockingPool& threads_;
  CleanerOptions options_;
  IoThrottle throttle_;
  std::unique_ptr<CleanerMetrics> metrics_;
  std::atomic<bool> stopping_{false};  // for the threads
  std::vector<Job> stopped_;
  bool looking_ = false;
  std::optional<Shard::TimerId> timer_;
  std::set<TopicPartition> busy_;
  std::map<const PartitionLog*, std::weak_ptr<PartitionLog>> uncleanable_;
};

}  // namespace millrace::log

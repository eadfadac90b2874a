// Reads the closed segments of all logs again and again, slowly, to find what a disk has changed before a reader does
// (segment_scrub.h): per log directory one segment after another, at millrace.log.scrub.bytes.per.second, one pass over everything
// in no less than millrace.log.scrub.interval.ms. Kafka has nothing of the kind. What is found is the log's to say and to
// remember (damage.h); nothing is changed, cut or removed.
//
//     home shard       next log of the directory -----------------> wait by the rate --> next step
//     log's shard          \ next closed segment      findings: still the same segment?
//     threads                   \ read a piece, check it /
//
// It reads beside the page cache (File::read_at_uncached): hot data stays in memory, and what is checked is what the disk has. A
// segment that leaves its log meanwhile is passed over; one of a log that is being changed when its findings are to be told is
// read again. How far a directory has come is written into `scrub-offset-checkpoint`
// now and then, and a start goes on from there.
//
// Home's shard owns it: every method is called there.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/metrics.h"
#include "broker/base/result.h"
#include "broker/base/shard.h"
#include "broker/base/types.h"
#include "broker/log/log_options.h"
#include "broker/log/partition_log.h"

namespace millrace::log {

class LogEnvironment;

struct ScrubMetrics {
  explicit ScrubMetrics(MetricsRegistry& registry);

  MetricsRegistry::Counter bytes;
  MetricsRegistry::Counter segments;
  MetricsRegistry::Gauge last_pass;
};

class Scrubber : public std::enable_shared_from_this<Scrubber> {
 public:
  // The shard and the threads outlive it. `metrics` may be null.
  Scrubber(std::shared_ptr<LogEnvironment> environment, Shard& home, BlockingPool& threads, const ScrubOptions& options,
           std::unique_ptr<ScrubMetrics> metrics);
  ~Scrubber();

  void start();
  void reconfigure(const ScrubOptions& options);
  // Ends at the next step; `done` runs when nothing of it is on the threads or on another shard.
  void stop(Job done);
  // The same for who does not wait. Any thread.
  void abandon() { stopping_ = true; }

 private:
  struct Lane;  // a log directory's
  using LanePointer = std::shared_ptr<Lane>;

  void go_on(const LanePointer& lane);
  void begin_pass(const LanePointer& lane);
  void end_pass(const LanePointer& lane);
  void ask_log(const LanePointer& lane);
  void next_log(const LanePointer& lane);
  void step(const LanePointer& lane);
  void stepped(const LanePointer& lane, Result<bool> more);
  void segment_done(const LanePointer& lane);
  void read_place(const LanePointer& lane);
  void write_place(const LanePointer& lane);
  void wait(const LanePointer& lane, Duration delay);
  void serve_stop();
  [[nodiscard]] std::string path_of(const Lane& lane) const;
  [[nodiscard]] std::uint64_t step_bytes() const;
  [[nodiscard]] Duration pause() const;

  const std::shared_ptr<LogEnvironment> environment_;
  Shard& home_;
  BlockingPool& threads_;
  ScrubOptions options_;
  std::unique_ptr<ScrubMetrics> metrics_;
  std::atomic<bool> stopping_{false};
  std::vector<LanePointer> lanes_;
  std::vector<Job> stopped_;
};

}  // namespace millrace::log

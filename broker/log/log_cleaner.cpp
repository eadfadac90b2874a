#include "broker/log/log_cleaner.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "broker/base/logging.h"
#include "broker/log/compaction.h"
#include "broker/log/compaction_candidates.h"
#include "broker/log/damage.h"
#include "broker/log/log_directory.h"
#include "broker/log/log_environment.h"

namespace millrace::log {
namespace {

constexpr Logger logger{"log.cleaner"};
// Who is slowed down looks this often whether the pass is to end.
constexpr Duration longest_pause = std::chrono::milliseconds(100);

std::string name_of(const PartitionLog& log) { return partition_directory_name(log.topic_partition()); }

std::string log_directory_of(const PartitionLog& log) {
  const auto path = log.directory();
  return path.substr(0, path.rfind('/'));
}

}  // namespace

struct LogCleaner::Found {
  std::shared_ptr<PartitionLog> log;
  CompactionCandidate candidate;
  bool is_due = false;
};

// The shards' answers, gathered.
struct LogCleaner::Search {
  std::mutex mutex;
  std::size_t missing = 0;
  std::vector<Found> found;
};

// One pass over one log. Used by one thread at a time: a cleaner's, the log's shard's or home's.
struct LogCleaner::Pass {
  std::shared_ptr<PartitionLog> log;
  std::uint64_t map_bytes = 0;
  double load_factor = 0;
  std::size_t io_bytes = 0;
  MonotonicTime begun;
  bool is_first = false;  // of this log
  bool swap_failed = false;
  std::unique_ptr<CompactionInput> input;
  std::unique_ptr<KeyOffsetMap> keys;
  std::unique_ptr<Compaction> compaction;
  std::uint64_t charged_bytes = 0;
  MonotonicTime resume_at;
  // When it has ended:
  Status status;
  bool aborted = false;
  std::optional<Offset> damaged_segment;
  Offset first_dirty;
  Offset end;
  CompactionStatistics done;
};

LogCleaner::LogCleaner(Host host, std::shared_ptr<LogEnvironment> environment, Shard& home, BlockingPool& threads,
                       const CleanerOptions& options, std::unique_ptr<CleanerMetrics> metrics)
    : host_(std::move(host)),
      environment_(std::move(environment)),
      home_(home),
      threads_(threads),
      options_(options),
      throttle_(options.io_max_bytes_per_second),
      metrics_(std::move(metrics)) {}

LogCleaner::~LogCleaner() = default;

void LogCleaner::reconfigure(const CleanerOptions& options) {
  if (options == options_ || stopping_) return;
  options_ = options;
  throttle_.set_rate(options.io_max_bytes_per_second);
  tick();
}

void LogCleaner::stop(Job done) {
  stopping_ = true;
  if (timer_) home_.cancel(*timer_);
  timer_.reset();
  stopped_.push_back(std::move(done));
  serve_stop();
}

void LogCleaner::serve_stop() {
  if (!stopping_ || looking_ || !busy_.empty()) return;
  for (auto stopped = std::exchange(stopped_, {}); auto& done : stopped) done();
}

void LogCleaner::tick() {
  if (stopping_) return;
  if (timer_) home_.cancel(*timer_);
  timer_ = home_.after(bounded_milliseconds(std::max<std::int64_t>(options_.backoff_ms, 1)), [weak = weak_from_this()] {
    auto self = weak.lock();
    if (self == nullptr) return;
    self->timer_.reset();
    self->tick();
  });
  host_.apply_retention();
  look();
}

void LogCleaner::look() {
  if (stopping_ || looking_ || busy_.size() >= options_.threads) return;
  looking_ = true;
  std::map<ShardId, std::vector<std::shared_ptr<PartitionLog>>> by_shard;
  for (auto& log : environment_->compacted.all()) by_shard[log->shard().id()].push_back(std::move(log));
  if (by_shard.empty()) return found({});
  auto search = std::make_shared<Search>();
  search->missing = by_shard.size();
  const auto now = environment_->clock.wall_clock();
  for (auto& [shard, logs] : by_shard) {
    logs.front()->shard().post([self = shared_from_this(), search, now, group = std::move(logs)] {
      std::vector<Found> here;
      self->look_at(group, now, here);
      std::unique_lock lock(search->mutex);
      std::ranges::move(here, std::back_inserter(search->found));
      if (--search->missing > 0) return;
      lock.unlock();
      self->home_.post([self, search] { self->found(std::move(search->found)); });
    });
  }
}

// On the shard of these logs.
void LogCleaner::look_at(const std::vector<std::shared_ptr<PartitionLog>>& logs, TimestampMs now,
                         std::vector<Found>& found) {
  for (const auto& log : logs) {
    if (!log->config().compacted || log->is_offline()) continue;
    auto candidate = log->compaction_candidate(now);
    found.push_back({log, candidate, candidate.is_due(log->config())});
    if (!candidate.checkpoint_is_invalid) continue;
    threads_.submit([self = shared_from_this(), log] {
      if (auto written = self->host_.write_checkpoint(*log); !written) logger.warning(written.error().message);
    });
  }
}

bool LogCleaner::is_uncleanable(const PartitionLog& log) const { return uncleanable_.contains(&log); }

void LogCleaner::found(std::vector<Found> all) {
  looking_ = false;
  std::erase_if(uncleanable_, [](const auto& entry) { return entry.second.expired(); });
  show(all);
  std::erase_if(all, [&](const Found& one) {
    return !one.is_due || busy_.contains(one.log->topic_partition()) || is_uncleanable(*one.log);
  });
  std::ranges::sort(all, std::ranges::greater{}, [](const Found& one) { return one.candidate.dirty_ratio(); });
  for (const auto& one : all) {
    if (stopping_ || busy_.size() >= options_.threads) break;
    begin(one.log);
  }
  serve_stop();
}

void LogCleaner::show(const std::vector<Found>& all) {
  if (metrics_ == nullptr) return;
  double dirty_ratio = 0;
  std::int64_t overdue_ms = 0;
  std::map<std::string, CleanerMetrics::Uncleanable> uncleanable;
  for (const auto& [log, candidate, is_due] : all) {
    if (is_uncleanable(*log)) {
      auto& shown = uncleanable[log_directory_of(*log)];
      ++shown.partitions;
      shown.bytes += candidate.cleanable_bytes;
    } else {
      dirty_ratio = std::max(dirty_ratio, candidate.dirty_ratio());
      overdue_ms = std::max(overdue_ms, candidate.overdue_ms);
    }
  }
  metrics_->looked(environment_->clock.wall_clock(), dirty_ratio, overdue_ms);
  metrics_->show_uncleanable(uncleanable);
}

void LogCleaner::begin(const std::shared_ptr<PartitionLog>& log) {
  busy_.insert(log->topic_partition());
  auto pass = std::make_shared<Pass>();
  pass->log = log;
  pass->map_bytes = options_.dedupe_buffer_bytes / options_.threads;
  pass->load_factor = options_.load_factor;
  pass->io_bytes = static_cast<std::size_t>(options_.io_buffer_bytes / options_.threads / 2);
  pass->begun = pass->resume_at = environment_->clock.now();
  log->shard().post([self = shared_from_this(), pass, now = environment_->clock.wall_clock()] {
    pass->is_first = pass->log->published().cleaned_to.load() < 0;
    pass->input = pass->log->begin_compaction(now);
    if (pass->input != nullptr) return self->on_threads(pass, &LogCleaner::prepare);
    pass->aborted = true;
    pass->status = fail(ErrorKind::cancelled, "there is nothing to be done any more");
    self->home_.post([self, pass] { self->finished(pass); });
  });
}

void LogCleaner::on_threads(const PassPointer& pass, void (LogCleaner::*work)(const PassPointer&)) {
  threads_.submit([self = shared_from_this(), pass, work] { (self.get()->*work)(pass); });
}

// A log that was never compacted stands in the checkpoint before offsets are missing in it: only so does a load know,
// whatever its cleanup.policy is by then, that they may.
void LogCleaner::prepare(const PassPointer& pass) {
  pass->first_dirty = pass->input->first_dirty;
  if (pass->is_first) {
    if (auto written = host_.write_checkpoint(*pass->log); !written) return finish(pass, written);
  }
  pass->keys = std::make_unique<KeyOffsetMap>(pass->map_bytes, pass->load_factor, environment_->random);
  pass->compaction =
      std::make_unique<Compaction>(environment_->cache, std::move(*pass->input), *pass->keys, pass->io_bytes);
  run(pass);
}

void LogCleaner::run(const PassPointer& pass) {
  while (true) {
    if (stopping_ || pass->log->compaction_is_aborted())
      return finish(pass, fail(ErrorKind::cancelled, "the pass was aborted"));
    if (environment_->clock.now() < pass->resume_at) return run_later(pass);
    auto step = pass->compaction->step();
    if (!step) return finish(pass, tl::unexpected(step.error()));
    const auto now = environment_->clock.now();
    const auto moved = pass->compaction->statistics().moved_bytes();
    pass->resume_at = now + throttle_.charge(moved - std::exchange(pass->charged_bytes, moved), now);
    if (*step == Compaction::Step::finished) return finish(pass, {});
    if (*step == Compaction::Step::group) return swap(pass);
  }
}

void LogCleaner::run_later(const PassPointer& pass) {
  home_.post([self = shared_from_this(), pass] {
    const auto wait = std::clamp(pass->resume_at - self->home_.clock().now(), Duration::zero(), longest_pause);
    self->home_.after(wait, [self, pass] { self->on_threads(pass, &LogCleaner::run); });
  });
}

void LogCleaner::swap(const PassPointer& pass) {
  pass->log->shard().post([self = shared_from_this(), pass, group = pass->compaction->take_group()]() mutable {
    pass->log->replace_segments(std::move(group), [self, pass](Status status) {
      if (status) return self->on_threads(pass, &LogCleaner::run);
      pass->swap_failed = status.error().kind != ErrorKind::cancelled;
      self->threads_.submit([self, pass, status = std::move(status)] { self->finish(pass, status); });
    });
  });
}

// On a cleaner's thread: what the pass holds goes here.
void LogCleaner::finish(const PassPointer& pass, Status status) {
  if (pass->compaction != nullptr) {
    // After a failed swap the log itself may use these files.
    if (!pass->swap_failed) pass->compaction->abandon();
    pass->end = pass->compaction->end_offset();
    pass->done = pass->compaction->statistics();
  }
  if (!status && status.error().kind == ErrorKind::corrupt && pass->compaction != nullptr)
    pass->damaged_segment = pass->compaction->read_segment();
  pass->compaction.reset();
  pass->keys.reset();
  pass->input.reset();
  pass->status = std::move(status);
  pass->log->shard().post([self = shared_from_this(), pass] {
    pass->log->end_compaction(pass->status ? std::optional(pass->end) : std::nullopt);
    pass->aborted = pass->log->compaction_is_aborted();
    if (pass->damaged_segment && !pass->aborted) {
      pass->log->damage().found_batch(FoundBy::compaction, *pass->damaged_segment, pass->status.error().message);
    }
    self->threads_.submit([self, pass] {
      if (pass->status && !pass->aborted) {
        if (auto written = self->host_.write_checkpoint(*pass->log); !written) logger.warning(written.error().message);
      }
      self->home_.post([self, pass] { self->finished(pass); });
    });
  });
}

void LogCleaner::finished(const PassPointer& pass) {
  busy_.erase(pass->log->topic_partition());
  const bool aborted =
      pass->aborted || stopping_ || (!pass->status && pass->status.error().kind == ErrorKind::cancelled);
  if (pass->status && !pass->aborted) {
    tell_finished(*pass);
    // A table that takes no key gets no further, however often.
    if (pass->end > pass->first_dirty) look();
  } else if (aborted) {
    if (metrics_) metrics_->pass_aborted();
  } else {
    if (metrics_) metrics_->pass_failed();
    uncleanable_[pass->log.get()] = pass->log;
    logger.error(name_of(*pass->log) +
                 " is not compacted any more until the next start: " + pass->status.error().message);
    look();
  }
  serve_stop();
}

void LogCleaner::tell_finished(const Pass& pass) {
  const auto& done = pass.done;
  if (metrics_) metrics_->pass_finished(done, environment_->clock.now() - pass.begun);
  logger.info(name_of(*pass.log) + " is compacted from offset " + std::to_string(pass.first_dirty.value()) + " up to " +
              std::to_string(pass.end.value()) + ": of " + std::to_string(done.read_records) + " records in " +
              std::to_string(done.read_bytes) + " bytes " + std::to_string(done.written_records) + " in " +
              std::to_string(done.written_bytes) + " stay");
  if (done.records_without_key > 0)
    logger.warning(name_of(*pass.log) + " had " + std::to_string(done.records_without_key) +
                   " records without a key, which compaction does not keep");
}

}  // namespace millrace::log

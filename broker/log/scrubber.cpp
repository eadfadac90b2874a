#include "broker/log/scrubber.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <utility>

#include "broker/base/check.h"
#include "broker/base/logging.h"
#include "broker/log/checkpoint_file.h"
#include "broker/log/log_directory.h"
#include "broker/log/log_environment.h"
#include "broker/log/segment_scrub.h"

namespace millrace::log {
namespace {

constexpr Logger logger{"log.scrub"};
// Where log.initial.task.delay.ms says nothing: a start has better things to do.
constexpr std::int64_t initial_delay_ms = 60'000;
constexpr Duration place_interval = std::chrono::minutes(1);
constexpr std::uint64_t least_step_bytes = std::uint64_t{64} << 10;
constexpr std::uint64_t most_step_bytes = std::uint64_t{1} << 20;
constexpr Duration longest_wait = std::chrono::hours(1);
constexpr Duration longest_pause = std::chrono::seconds(1);

// What a log that has gone, or a disk that is offline, answers.
bool is_gone(const Error& error) { return error.kind == ErrorKind::not_found || error.kind == ErrorKind::unavailable; }

}  // namespace

ScrubMetrics::ScrubMetrics(MetricsRegistry& registry)
    : bytes(registry.counter("millrace_log_scrubbed_bytes_total", "Bytes of closed segments that were read again")),
      segments(registry.counter("millrace_log_scrubbed_segments_total", "Closed segments that were read again")),
      last_pass(registry.gauge("millrace_log_scrub_last_pass_timestamp_seconds",
                               "When all closed segments of a log directory had been read again")) {}

// Used by one thread at a time: home's, the log's shard's or one of the threads.
struct Scrubber::Lane {
  std::size_t directory = 0;
  bool started = false;  // its first wait is over
  bool busy = false;     // on another thread, or about to be
  std::optional<Shard::TimerId> timer;

  bool in_pass = false;
  MonotonicTime pass_begun;
  MonotonicTime pass_ended;
  std::vector<std::pair<TopicPartition, std::weak_ptr<PartitionLog>>>
      logs;                               // of the pass, in order, those to come last first
  std::shared_ptr<PartitionLog> log;      // that is being read
  std::unique_ptr<SegmentScrub> segment;  // of it
  std::uint64_t charged_bytes = 0;        // of the segment
  MonotonicTime resume_at;

  // Where the directory's next segment is: everything before it, in order of the logs, was read in this pass.
  bool place_is_read = false;
  std::optional<std::pair<TopicPartition, Offset>> place;
  MonotonicTime place_written;
};

Scrubber::Scrubber(std::shared_ptr<LogEnvironment> environment, Shard& home, BlockingPool& threads,
                   const ScrubOptions& options, std::unique_ptr<ScrubMetrics> metrics)
    : environment_(std::move(environment)),
      home_(home),
      threads_(threads),
      options_(options),
      metrics_(std::move(metrics)) {
  for (std::size_t number = 0; number < environment_->options.directories.size(); ++number) {
    lanes_.push_back(std::make_shared<Lane>());
    lanes_.back()->directory = number;
  }
}

Scrubber::~Scrubber() = default;

void Scrubber::start() {
  const auto delay_ms = environment_->options.initial_task_delay_ms.value_or(initial_delay_ms);
  for (const auto& lane : lanes_) wait(lane, bounded_milliseconds(delay_ms));
}

void Scrubber::reconfigure(const ScrubOptions& options) {
  if (options == options_ || stopping_) return;
  options_ = options;
  for (const auto& lane : lanes_) {
    lane->resume_at = home_.clock().now();
    if (!lane->busy && lane->started) go_on(lane);
  }
}

void Scrubber::stop(Job done) {
  stopping_ = true;
  for (const auto& lane : lanes_) {
    if (lane->timer) home_.cancel(*lane->timer);
    lane->timer.reset();
  }
  stopped_.push_back(std::move(done));
  serve_stop();
}

void Scrubber::serve_stop() {
  if (!stopping_ || std::ranges::any_of(lanes_, [](const auto& lane) { return lane->busy; })) return;
  for (auto stopped = std::exchange(stopped_, {}); auto& done : stopped) done();
}

std::string Scrubber::path_of(const Lane& lane) const {
  return environment_->options.directories[lane.directory] + "/" + std::string(scrub_checkpoint_name);
}

// About four in a second, so that the disk is never busy with them for long.
std::uint64_t Scrubber::step_bytes() const {
  return std::clamp(options_.bytes_per_second / 4, least_step_bytes, most_step_bytes);
}

// Between two passes, where there may be nothing to be read, and before a segment is read again because its log was being changed.
Duration Scrubber::pause() const { return std::min(longest_pause, bounded_milliseconds(options_.interval_ms)); }

void Scrubber::wait(const LanePointer& lane, Duration delay) {
  if (lane->timer) home_.cancel(*lane->timer);
  lane->timer = home_.after(std::clamp(delay, Duration::zero(), longest_wait), [weak = weak_from_this(), lane] {
    auto self = weak.lock();
    if (self == nullptr) return;
    lane->timer.reset();
    lane->started = true;
    self->go_on(lane);
  });
}

// On home, with nothing of the lane elsewhere. Whatever makes it busy comes here, or waits, at its end.
void Scrubber::go_on(const LanePointer& lane) {
  MILLRACE_INVARIANT(!lane->busy, "a log directory is scrubbed by one at a time");
  if (stopping_) return serve_stop();
  if (lane->timer) home_.cancel(*lane->timer);
  lane->timer.reset();
  if (options_.bytes_per_second == 0 || !environment_->health->is_online(lane->directory)) return;
  if (!lane->place_is_read) return read_place(lane);
  const auto now = home_.clock().now();
  if (lane->segment != nullptr) {
    if (now < lane->resume_at) return wait(lane, lane->resume_at - now);
    return step(lane);
  }
  if (lane->in_pass) return lane->log != nullptr ? ask_log(lane) : next_log(lane);
  const auto due = std::max(lane->pass_begun + bounded_milliseconds(options_.interval_ms), lane->pass_ended + pause());
  if (lane->pass_begun != MonotonicTime() && now < due) return wait(lane, due - now);
  begin_pass(lane);
}

void Scrubber::begin_pass(const LanePointer& lane) {
  lane->in_pass = true;
  lane->pass_begun = home_.clock().now();
  lane->logs.clear();
  for (const auto& log : environment_->rolled.all()) {
    if (environment_->health->directory_of(log->directory()) != lane->directory) continue;
    if (lane->place && log->topic_partition() < lane->place->first) continue;
    lane->logs.emplace_back(log->topic_partition(), log);
  }
  std::ranges::sort(lane->logs, std::ranges::greater{}, [](const auto& entry) { return entry.first; });
  next_log(lane);
}

void Scrubber::next_log(const LanePointer& lane) {
  lane->log = nullptr;
  while (lane->log == nullptr && !lane->logs.empty()) {
    auto [partition, log] = std::move(lane->logs.back());
    lane->logs.pop_back();
    lane->log = log.lock();
    if (lane->log != nullptr && !(lane->place && lane->place->first == partition)) lane->place = {partition, Offset(0)};
  }
  if (lane->log == nullptr) return end_pass(lane);
  ask_log(lane);
}

void Scrubber::end_pass(const LanePointer& lane) {
  lane->in_pass = false;
  lane->pass_ended = home_.clock().now();
  if (metrics_) metrics_->last_pass.set(static_cast<double>(environment_->clock.wall_clock().value()) / 1000);
  if (!std::exchange(lane->place, std::nullopt)) return go_on(lane);
  write_place(lane);
}

void Scrubber::ask_log(const LanePointer& lane) {
  lane->busy = true;
  lane->log->shard().post([self = shared_from_this(), lane] {
    auto found = lane->log->segment_to_scrub(lane->place->second);
    if (found) lane->segment = std::make_unique<SegmentScrub>(std::move(*found));
    lane->charged_bytes = 0;
    self->home_.post([self, lane] {
      lane->busy = false;
      if (self->stopping_) return self->serve_stop();
      if (lane->segment == nullptr) return self->next_log(lane);
      self->go_on(lane);
    });
  });
}

void Scrubber::step(const LanePointer& lane) {
  lane->busy = true;
  threads_.submit([self = shared_from_this(), lane, bytes = step_bytes()] {
    auto more = self->stopping_ ? Result<bool>(true) : lane->segment->step(bytes);
    self->home_.post([self, lane, more = std::move(more)]() mutable { self->stepped(lane, std::move(more)); });
  });
}

void Scrubber::stepped(const LanePointer& lane, Result<bool> more) {
  lane->busy = false;
  if (stopping_) return serve_stop();
  const auto now = home_.clock().now();
  const auto read = lane->segment->read_bytes() - std::exchange(lane->charged_bytes, lane->segment->read_bytes());
  if (metrics_) metrics_->bytes.add(static_cast<double>(read));
  const auto rate = static_cast<double>(std::max<std::uint64_t>(options_.bytes_per_second, 1));
  lane->resume_at = std::max(lane->resume_at, now) + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(
                                                         std::min(static_cast<double>(read) / rate, 86'400.0)));
  if (more && *more) return go_on(lane);
  if (!more && !is_gone(more.error())) logger.warning(more.error().message + "; the rest of the file is not looked at");
  if (more) return segment_done(lane);
  lane->place->second = lane->segment->segment().end;
  lane->segment = nullptr;
  go_on(lane);
}

void Scrubber::segment_done(const LanePointer& lane) {
  if (metrics_) metrics_->segments.add();
  lane->busy = true;
  lane->log->shard().post([self = shared_from_this(), lane] {
    const bool heard = lane->log->scrubbed(lane->segment->segment(), lane->segment->findings());
    self->home_.post([self, lane, heard] {
      lane->busy = false;
      if (heard) lane->place->second = lane->segment->segment().end;
      lane->segment = nullptr;
      if (self->stopping_) return self->serve_stop();
      const auto now = self->home_.clock().now();
      if (!heard) return self->wait(lane, std::max(lane->resume_at - now, self->pause()));
      if (now >= lane->place_written + place_interval) return self->write_place(lane);
      self->go_on(lane);
    });
  });
}

void Scrubber::read_place(const LanePointer& lane) {
  lane->busy = true;
  threads_.submit([self = shared_from_this(), lane, path = path_of(*lane)] {
    auto offsets = read_offset_checkpoint(self->environment_->files, path);
    self->home_.post([self, lane, offsets = std::move(offsets)] {
      lane->busy = false;
      lane->place_is_read = true;
      lane->place_written = self->home_.clock().now();
      if (!offsets) logger.warning(offsets.error().message + "; the logs are read from the first one on");
      if (offsets && !offsets->empty()) lane->place = *offsets->begin();
      self->go_on(lane);
    });
  });
}

// The offset of the next segment of the log that is being read; nothing when all have been.
void Scrubber::write_place(const LanePointer& lane) {
  lane->place_written = home_.clock().now();
  lane->busy = true;
  PartitionOffsets offsets;
  if (lane->place) offsets.emplace(lane->place->first, lane->place->second);
  threads_.submit([self = shared_from_this(), lane, offsets = std::move(offsets), path = path_of(*lane)] {
    auto written = write_offset_checkpoint(self->environment_->files, path, offsets);
    if (!written && !is_gone(written.error())) logger.warning(written.error().message);
    self->home_.post([self, lane] {
      lane->busy = false;
      self->go_on(lane);
    });
  });
}

}  // namespace millrace::log

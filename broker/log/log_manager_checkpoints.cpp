// What a log manager writes down while it runs and when it stops.
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "broker/log/log_manager_state.h"
#include "broker/log/parallel_jobs.h"

namespace millrace::log {

DirectoryCheckpoints LogManager::State::checkpoints_of(const ManagedDirectory& directory) const {
  DirectoryCheckpoints checkpoints;
  std::lock_guard lock(mutex);
  for (const auto& [partition, entry] : entries) {
    if (entry.directory != &directory) continue;
    auto offsets = entry.checkpoint;
    auto start_is_known_from_segments = offsets.log_start == Offset(0);
    if (entry.log != nullptr) {
      const auto& published = entry.log->published();
      offsets = {Offset(published.recovery_point.load()), Offset(published.log_start_offset.load()),
                 Offset(published.high_watermark.load()), offsets.cleaned};
      start_is_known_from_segments = offsets.log_start.value() <= published.first_segment_offset.load();
    } else if (entry.failure.empty()) {
      continue;
    }
    checkpoints.recovery_points.emplace(partition, offsets.recovery_point);
    checkpoints.high_watermarks.emplace(partition, offsets.high_watermark);
    if (!start_is_known_from_segments) checkpoints.log_starts.emplace(partition, offsets.log_start);
  }
  return checkpoints;
}

Status LogManager::State::write_checkpoints() {
  Status first;
  for (auto& directory : directories) {
    auto written = directory->write_checkpoints([&] { return checkpoints_of(*directory); });
    if (first && !written) first = written;
  }
  return first;
}

void LogManager::State::arm(Shard& home, std::int64_t interval_ms, void (State::*work)()) {
  if (interval_ms <= 0) return;
  home.after(bounded_milliseconds(interval_ms), [weak = weak_from_this(), &home, interval_ms, work] {
    auto self = weak.lock();
    if (self == nullptr) return;
    (self.get()->*work)();
    self->arm(home, interval_ms, work);
  });
}

// One job per shard for all of its logs.
void LogManager::State::keep_house() {
  std::map<Shard*, std::vector<std::shared_ptr<PartitionLog>>> by_shard;
  for (auto& log : logs()) by_shard[&log->shard()].push_back(std::move(log));
  for (auto& [shard, logs_of_shard] : by_shard) {
    shard->post([group = std::move(logs_of_shard), now = environment->clock.wall_clock()] {
      for (const auto& log : group) log->housekeeping(now);
    });
  }
}

void LogManager::State::write_checkpoints_on_pool() {
  if (writing_checkpoints_.exchange(true)) return;
  environment->pool.submit([self = shared_from_this()] {
    if (auto written = self->write_checkpoints(); !written) manager_logger.error(written.error().message);
    self->writing_checkpoints_ = false;
  });
}

void LogManager::State::write_high_watermarks_on_pool() {
  if (writing_high_watermarks_.exchange(true)) return;
  environment->pool.submit([self = shared_from_this()] {
    for (auto& directory : self->directories) {
      auto written = directory->write_high_watermarks([&] { return self->checkpoints_of(*directory).high_watermarks; });
      if (!written) manager_logger.error(written.error().message);
    }
    self->writing_high_watermarks_ = false;
  });
}

Status LogManager::State::close(BrokerEpoch broker_epoch) {
  std::mutex failures_mutex;
  std::set<const ManagedDirectory*> failed;
  Status first;
  std::vector<std::function<void()>> work;
  {
    std::lock_guard lock(mutex);
    for (auto& [partition, entry] : entries) {
      if (entry.log == nullptr || entry.busy) {
        failed.insert(entry.directory);
        continue;
      }
      work.emplace_back([&, log = entry.log, home = entry.directory] {
        auto closed = log->close();
        if (closed) return;
        manager_logger.error(closed.error().message);
        std::lock_guard failures_lock(failures_mutex);
        failed.insert(home);
        if (first) first = closed;
      });
    }
  }
  run_in_parallel(environment->pool, environment->options.recovery_threads * directories.size(), std::move(work));
  for (auto& directory : directories) {
    auto status = directory->write_checkpoints([&] { return checkpoints_of(*directory); });
    if (status && !failed.contains(directory.get())) status = directory->end_use_cleanly(broker_epoch);
    if (!status) manager_logger.error(status.error().message);
    if (first && !status) first = status;
    directory->unlock();
  }
  return first;
}

}  // namespace millrace::log

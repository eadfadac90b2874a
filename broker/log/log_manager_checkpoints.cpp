// What a log manager writes down while it runs and when it stops.
#include <algorithm>
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

namespace {

constexpr std::size_t logs_per_turn = 64;

// Between two turns the shard serves others.
void work_in_turns(Shard& shard, std::shared_ptr<const std::vector<std::shared_ptr<PartitionLog>>> logs,
                   std::size_t from, std::function<void(PartitionLog&)> work) {
  shard.post([&shard, logs = std::move(logs), from, work = std::move(work)]() mutable {
    const auto end = std::min(from + logs_per_turn, logs->size());
    for (auto at = from; at < end; ++at) work(*(*logs)[at]);
    if (end < logs->size()) work_in_turns(shard, std::move(logs), end, std::move(work));
  });
}

// Where the log starts has to be said unless its segments say it.
void add_numbers(DirectoryCheckpoints& checkpoints, const TopicPartition& partition, const CheckpointedOffsets& offsets,
                 bool start_is_known_from_segments) {
  // Kept whatever the log's policy is now: where a log was compacted, offsets may be missing for ever.
  if (offsets.cleaned_to) checkpoints.cleaned.emplace(partition, *offsets.cleaned_to);
  checkpoints.recovery_points.emplace(partition, offsets.recovery_point);
  checkpoints.high_watermarks.emplace(partition, offsets.high_watermark);
  if (!start_is_known_from_segments) checkpoints.log_starts.emplace(partition, offsets.log_start);
}

void add_numbers(DirectoryCheckpoints& checkpoints, const PartitionLog& log) {
  const auto& published = log.published();
  CheckpointedOffsets offsets{Offset(published.recovery_point.load()), Offset(published.log_start_offset.load()),
                              Offset(published.high_watermark.load()), std::nullopt};
  if (const Offset cleaned_to(published.cleaned_to.load()); cleaned_to >= Offset(0)) offsets.cleaned_to = cleaned_to;
  add_numbers(checkpoints, log.topic_partition(), offsets,
              offsets.log_start.value() <= published.first_segment_offset.load());
}

}  // namespace

DirectoryCheckpoints LogManager::State::checkpoints_of(const ManagedDirectory& directory) const {
  DirectoryCheckpoints checkpoints;
  std::lock_guard lock(mutex);
  for (const auto& [partition, entry] : entries) {
    if (entry.copy != nullptr && entry.copy_directory == &directory) add_numbers(checkpoints, *entry.copy);
    if (entry.directory != &directory) continue;
    if (entry.log != nullptr) {
      add_numbers(checkpoints, *entry.log);
      continue;
    }
    if (entry.failure.empty()) continue;
    add_numbers(checkpoints, partition, entry.checkpoint, entry.checkpoint.log_start == Offset(0));
  }
  return checkpoints;
}

Status LogManager::State::write_cleaner_checkpoint(const PartitionLog& log) {
  ManagedDirectory* directory = nullptr;
  {
    std::lock_guard lock(mutex);
    auto at = entries.find(log.topic_partition());
    // One that is being removed is taken out of the checkpoint with the others.
    if (at == entries.end() || at->second.log.get() != &log || at->second.busy) return {};
    directory = at->second.directory;
  }
  if (!is_online(*directory)) return {};
  return directory->write_checkpoint(cleaner_checkpoint_name, [&] { return checkpoints_of(*directory).cleaned; });
}

void LogManager::State::start_cleaner(Shard& home, BlockingPool& threads) {
  if (!environment->options.cleaner) return;
  LogCleaner::Host host{[weak = weak_from_this()] {
                          if (auto self = weak.lock()) self->apply_retention_to(true);
                        },
                        [weak = weak_from_this()](const PartitionLog& log) -> Status {
                          auto self = weak.lock();
                          return self == nullptr ? Status{} : self->write_cleaner_checkpoint(log);
                        }};
  cleaner = std::make_shared<LogCleaner>(std::move(host), environment, home, threads, *environment->options.cleaner,
                                         std::move(cleaner_metrics));
  cleaner->start();
}

Status LogManager::State::write_checkpoints() {
  Status first;
  for (auto& directory : directories) {
    if (!is_online(*directory)) continue;
    auto written = directory->write_checkpoints([&] { return checkpoints_of(*directory); });
    if (first && !written && is_online(*directory)) first = written;
  }
  return first;
}

Status LogManager::State::write_checkpoints_of(const std::string& path) {
  const auto number = environment->health->directory_of(path);
  if (number >= directories.size()) return fail(ErrorKind::not_found, path + " is in no log directory");
  auto& directory = *directories[number];
  return directory.write_checkpoints([&] { return checkpoints_of(directory); });
}

void LogManager::State::arm(Shard& home, std::int64_t delay_ms, std::int64_t interval_ms, void (State::*work)()) {
  if (interval_ms <= 0) return;
  home.after(bounded_milliseconds(delay_ms), [weak = weak_from_this(), &home, interval_ms, work] {
    auto self = weak.lock();
    if (self == nullptr) return;
    (self.get()->*work)();
    self->arm(home, interval_ms, interval_ms, work);
  });
}

void LogManager::State::post_to_logs(std::vector<std::shared_ptr<PartitionLog>> logs,
                                     const std::function<void(PartitionLog&)>& work) {
  std::map<ShardId, std::vector<std::shared_ptr<PartitionLog>>> by_shard;
  for (auto& log : logs) by_shard[log->shard().id()].push_back(std::move(log));
  for (auto& [shard, logs_of_shard] : by_shard) {
    auto& home = logs_of_shard.front()->shard();
    auto group = std::make_shared<const std::vector<std::shared_ptr<PartitionLog>>>(std::move(logs_of_shard));
    work_in_turns(home, std::move(group), 0, work);
  }
}

void LogManager::State::keep_house() {
  const auto now = environment->clock.wall_clock();
  post_to_logs(environment->duties.all(), [now](PartitionLog& log) { log.housekeeping(now); });
}

void LogManager::State::apply_retention_to(bool compacted) {
  const auto now = environment->clock.wall_clock();
  post_to_logs(environment->retention.due(now, compacted), [now](PartitionLog& log) { log.apply_retention(now); });
}

void LogManager::State::write_recovery_points_on_pool() {
  write_on_pool(recovery_point_checkpoint_name, &DirectoryCheckpoints::recovery_points, environment->recovery_points,
                &State::writing_recovery_points_);
}

void LogManager::State::write_log_starts_on_pool() {
  write_on_pool(log_start_checkpoint_name, &DirectoryCheckpoints::log_starts, environment->log_starts,
                &State::writing_log_starts_);
}

void LogManager::State::write_high_watermarks_on_pool() {
  write_on_pool(high_watermark_checkpoint_name, &DirectoryCheckpoints::high_watermarks, environment->high_watermarks,
                &State::writing_high_watermarks_);
}

// While one write of a kind is under way, the next is left out: the one after it has the newer numbers. Where none has changed, there
// is nothing to look for.
void LogManager::State::write_on_pool(std::string_view name, PartitionOffsets DirectoryCheckpoints::* which,
                                      ChangedNumbers& numbers, std::atomic<bool> State::* writing) {
  if ((this->*writing).exchange(true)) return;
  if (!numbers.take()) {
    this->*writing = false;
    return;
  }
  environment->pool.submit([self = shared_from_this(), name, which, &numbers, writing] {
    for (auto& directory : self->directories) {
      if (!self->is_online(*directory)) continue;
      auto written = directory->write_checkpoint(name, [&] { return self->checkpoints_of(*directory).*which; });
      if (written || !self->is_online(*directory)) continue;
      numbers.set();
      manager_logger.error(written.error().message);
    }
    (*self).*writing = false;
  });
}

Status LogManager::State::close(BrokerEpoch broker_epoch) {
  std::mutex failures_mutex;
  std::set<const ManagedDirectory*> failed;
  Status first;
  std::vector<std::function<void()>> work;
  auto close_log = [&](const std::shared_ptr<PartitionLog>& log, const ManagedDirectory* home) {
    work.emplace_back([&, log, home] {
      auto closed = log->close();
      if (closed) return;
      if (is_online(*home)) manager_logger.error(closed.error().message);
      std::lock_guard failures_lock(failures_mutex);
      failed.insert(home);
      if (first) first = closed;
    });
  };
  {
    std::lock_guard lock(mutex);
    for (auto& [partition, entry] : entries) {
      // A copy that is being made is removed or gone on with at the next start.
      if (entry.copy_directory != nullptr && (entry.copy == nullptr || entry.swapping))
        failed.insert(entry.copy_directory);
      if (entry.copy != nullptr && !entry.swapping) close_log(entry.copy, entry.copy_directory);
      if (entry.log == nullptr || entry.busy || entry.swapping) {
        failed.insert(entry.directory);
        continue;
      }
      close_log(entry.log, entry.directory);
    }
  }
  // Syncs that are under way together are one commit of the file system. The pool has stopped with the shards.
  run_on_own_threads(environment->options.closing_threads, std::move(work));
  for (auto& directory : directories) {
    if (!is_online(*directory)) {
      directory->unlock();
      continue;
    }
    auto status = directory->write_checkpoints([&] { return checkpoints_of(*directory); });
    // The marker says that the journal has nothing, too.
    if (status && !failed.contains(directory.get()))
      status = empty_journal(*directory).and_then([&] { return directory->end_use_cleanly(broker_epoch); });
    if (!status) manager_logger.error(status.error().message);
    if (first && !status) first = status;
    directory->unlock();
  }
  if (first && all_offline()) return tl::unexpected(all_offline_error());
  return first;
}

}  // namespace millrace::log

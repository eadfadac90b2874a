// Logs that come and go while the broker runs.
#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "broker/log/log_loader.h"
#include "broker/log/log_manager_state.h"
#include "broker/log/partition_metadata_file.h"

namespace millrace::log {
namespace {

std::string name_of(const TopicPartition& partition) { return partition_directory_name(partition); }

}  // namespace

ManagedDirectory* LogManager::State::emptiest_directory() {
  ManagedDirectory* emptiest = nullptr;
  for (const auto& directory : directories) {
    if (!is_online(*directory)) continue;
    if (emptiest == nullptr || directory->logs.load() < emptiest->logs.load()) emptiest = directory.get();
  }
  return emptiest;
}

// Where it was to be moved before it was there.
ManagedDirectory* LogManager::State::directory_for(const TopicPartition& partition) {
  const auto wish = preferred.extract(partition);
  return !wish.empty() && is_online(*wish.mapped()) ? wish.mapped() : emptiest_directory();
}

void LogManager::State::serve_waiting(std::vector<Job> waiting) const {
  for (auto& job : waiting) job();
}

void LogManager::State::get_or_create(const TopicPartition& partition, const TopicId& topic_id, const LogConfig& config,
                                      CreateCompletion done, bool is_new) {
  auto& shard = shard_for_partition(partition);
  auto answer = [&](Result<std::shared_ptr<PartitionLog>> result) {
    shard.post([result = std::move(result), done = std::move(done)]() mutable { done(std::move(result)); });
  };
  std::unique_lock lock(mutex);
  const bool absent = !entries.contains(partition);
  auto* emptiest = absent ? directory_for(partition) : nullptr;
  if (absent && (emptiest == nullptr || (!is_new && environment->health->offline_count() > 0))) {
    not_made.insert(partition);
    lock.unlock();
    return answer(fail(ErrorKind::unavailable,
                       "the log of " + name_of(partition) + " may be in a log directory that is offline"));
  }
  auto [at, added] = entries.try_emplace(partition);
  auto& entry = at->second;
  if (entry.busy) {
    entry.waiting.emplace_back(
        [self = shared_from_this(), partition, topic_id, config, is_new, done = std::move(done)]() mutable {
          self->get_or_create(partition, topic_id, config, std::move(done), is_new);
        });
    return;
  }
  if (added) {
    entry.busy = true;
    entry.directory = emptiest;
    ++entry.directory->logs;
    auto& directory = *entry.directory;
    lock.unlock();
    return create(partition, topic_id, config, directory, std::move(done));
  }
  auto log = entry.log;
  auto failure = entry.failure;
  const bool offline = entry.offline;
  lock.unlock();
  if (offline) {
    answer(fail(ErrorKind::unavailable, "the log of " + name_of(partition) + " is offline: " + failure));
  } else if (log == nullptr) {
    answer(fail(ErrorKind::corrupt, "the log of " + name_of(partition) + " cannot be used: " + failure));
  } else if (!topic_id.is_zero() && !log->topic_id().is_zero() && log->topic_id() != topic_id) {
    answer(fail(ErrorKind::conflict, "the directory " + log->directory() + " belongs to topic id " +
                                         to_string(log->topic_id()) + ", not to " + to_string(topic_id)));
  } else if (!topic_id.is_zero() && log->topic_id().is_zero()) {
    // A directory from before topic ids belongs to this topic from now on.
    environment->pool.submit([self = shared_from_this(), &shard, log, topic_id, done = std::move(done)]() mutable {
      Result<std::shared_ptr<PartitionLog>> result = log;
      if (auto written = write_partition_metadata(self->environment->files, log->directory(), topic_id); !written)
        result = tl::unexpected(written.error());
      shard.post([result = std::move(result), done = std::move(done)]() mutable { done(std::move(result)); });
    });
  } else {
    answer(std::move(log));
  }
}

// A directory that fails at the first step hands over to another one; later its disk may have files of the partition.
ManagedDirectory& LogManager::State::make_directory(const TopicPartition& partition, ManagedDirectory& first) {
  auto* directory = &first;
  while (true) {
    auto made = environment->files.create_directories(directory->path() + "/" + name_of(partition));
    if (made || is_online(*directory)) return *directory;
    std::lock_guard lock(mutex);
    auto* next = emptiest_directory();
    if (next == nullptr) return *directory;
    --directory->logs;
    ++next->logs;
    entries.at(partition).directory = directory = next;
  }
}

// Who waits for the entry.
std::vector<Job> LogManager::State::finish_creation(const TopicPartition& partition, ManagedDirectory& home,
                                                    Result<std::shared_ptr<PartitionLog>>& result) {
  std::lock_guard lock(mutex);
  auto at = entries.find(partition);
  auto waiting = std::move(at->second.waiting);
  if (!result && is_online(home)) {
    --home.logs;
    entries.erase(at);
    return waiting;
  }
  at->second = Entry{};
  at->second.directory = &home;
  if (result) at->second.log = *result;
  if (!is_online(home)) {
    mark_offline(at->second);
    result = fail(ErrorKind::unavailable, "the log of " + name_of(partition) + " is offline: " + at->second.failure);
  }
  return waiting;
}

void LogManager::State::create(const TopicPartition& partition, const TopicId& topic_id, const LogConfig& config,
                               ManagedDirectory& directory, CreateCompletion done) {
  auto& shard = shard_for_partition(partition);
  environment->pool.submit([self = shared_from_this(), &shard, &directory, partition, topic_id, config,
                            done = std::move(done)]() mutable {
    auto& home = self->make_directory(partition, directory);
    auto created = create_log(partition, topic_id, home.path() + "/" + name_of(partition), config, *self->environment);
    Result<std::shared_ptr<PartitionLog>> result;
    if (created) {
      result = std::make_shared<PartitionLog>(std::move(*created), self->environment, shard);
    } else {
      result = tl::unexpected(created.error());
    }
    auto waiting = self->finish_creation(partition, home, result);
    shard.post([result = std::move(result), done = std::move(done)]() mutable { done(std::move(result)); });
    self->serve_waiting(std::move(waiting));
  });
}

void LogManager::State::remove(const TopicPartition& partition, UniqueFunction<void(Status)> done) {
  auto& shard = shard_for_partition(partition);
  std::unique_lock lock(mutex);
  auto at = entries.find(partition);
  if (at == entries.end()) {
    not_made.erase(partition);
    preferred.erase(partition);
    lock.unlock();
    shard.post([partition, done = std::move(done)]() mutable {
      done(fail(ErrorKind::not_found, "there is no log of " + name_of(partition)));
    });
    return;
  }
  auto& entry = at->second;
  if (entry.busy) {
    entry.waiting.emplace_back([self = shared_from_this(), partition, done = std::move(done)]() mutable {
      self->remove(partition, std::move(done));
    });
    return;
  }
  if (entry.offline) {
    auto refused = fail(ErrorKind::unavailable,
                        "the log of " + name_of(partition) + " cannot be deleted while its log directory is offline");
    lock.unlock();
    shard.post([refused = std::move(refused), done = std::move(done)]() mutable { done(std::move(refused)); });
    return;
  }
  if (entry.copy_directory != nullptr) {
    entry.after_move.emplace_back([self = shared_from_this(), partition, done = std::move(done)]() mutable {
      self->remove(partition, std::move(done));
    });
    return cancel_move(entry);
  }
  entry.busy = true;
  auto log = entry.log;
  lock.unlock();
  shard.post([self = shared_from_this(), partition, log, done = std::move(done)]() mutable {
    const auto delay_ms = log == nullptr ? LogConfig{}.file_delete_delay_ms : log->config().file_delete_delay_ms;
    auto rename = [self, partition, delay_ms, done = std::move(done)]() mutable {
      self->environment->pool.submit([self, partition, delay_ms, done = std::move(done)]() mutable {
        self->rename_and_remove(partition, delay_ms, std::move(done));
      });
    };
    if (log == nullptr) return rename();
    log->stop();
    log->when_idle(std::move(rename));
  });
}

// On the pool. The checkpoints are written before the answer: numbers of this log must not meet a new one of the same name.
void LogManager::State::rename_and_remove(const TopicPartition& partition, std::int64_t delete_delay_ms,
                                          UniqueFunction<void(Status)> done) {
  auto& files = environment->files;
  auto& shard = shard_for_partition(partition);
  ManagedDirectory* directory = nullptr;
  std::shared_ptr<PartitionLog> log;
  {
    std::lock_guard lock(mutex);
    directory = entries.at(partition).directory;
    log = entries.at(partition).log;
  }
  const auto renamed = directory->path() + "/" + deleted_directory_name(partition, environment->random);
  auto status = files.rename(directory->path() + "/" + name_of(partition), renamed).and_then([&] {
    return files.sync_directory(directory->path());
  });
  std::vector<Job> waiting;
  {
    std::lock_guard lock(mutex);
    auto at = entries.find(partition);
    waiting = std::move(at->second.waiting);
    let_go(log);
    if (status) {
      entries.erase(at);
    } else {
      at->second.busy = false;
      at->second.waiting.clear();
      at->second.log = nullptr;
      at->second.failure = "it could not be deleted: " + status.error().message;
      at->second.offline = !is_online(*directory);
      if (at->second.offline) status = fail(ErrorKind::unavailable, status.error().message);
    }
  }
  if (status) {
    --directory->logs;
    status = directory->write_checkpoints([&] { return checkpoints_of(*directory); });
    shard.post([self = shared_from_this(), &shard, delete_delay_ms, renamed, log] {
      // Before a new log of that name has anything there.
      if (log != nullptr) log->leave_journal();
      self->remove_later(shard, delete_delay_ms, renamed);
    });
  }
  shard.post([status = std::move(status), done = std::move(done)]() mutable { done(std::move(status)); });
  serve_waiting(std::move(waiting));
}

void LogManager::State::remove_later(Shard& shard, std::int64_t delay_ms, std::string path) {
  shard.after(bounded_milliseconds(delay_ms), [self = shared_from_this(), path = std::move(path)]() mutable {
    auto& pool = self->environment->pool;
    pool.submit([self = std::move(self), path = std::move(path)] { self->remove_files(path); });
  });
}

}  // namespace millrace::log

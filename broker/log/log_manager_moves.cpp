// Replicas that move between log directories, by what each entry of the manager has of them: the copy and its directory, the move
// while it runs, and who waits for its end (Kafka: LogManager.replaceCurrentWithFutureLog, ReplicaManager.alterReplicaLogDirs).
#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "broker/log/log_loader.h"
#include "broker/log/log_manager_state.h"
#include "broker/log/takeover_file.h"

namespace millrace::log {
namespace {

std::string name_of(const TopicPartition& partition) { return partition_directory_name(partition); }

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

}  // namespace

ManagedDirectory* LogManager::State::directory_named(const std::string& path) const {
  for (const auto& directory : directories) {
    if (shown_directory_name(directory->path()) == path) return directory.get();
  }
  return nullptr;
}

void LogManager::State::move(const TopicPartition& partition, const std::string& path, bool expected,
                             MoveCompletion done) {
  auto& shard = shard_for_partition(partition);
  auto answer = [&](MoveOutcome outcome) {
    shard.post([outcome, done = std::move(done)]() mutable { done(outcome); });
  };
  auto refuse = [&](MoveRefusal why) { answer(tl::unexpected(why)); };
  if (!future_directory_name(partition, environment->random)) return refuse(MoveRefusal::name_too_long);
  auto* wanted = directory_named(path);
  if (wanted == nullptr) return refuse(MoveRefusal::unknown_directory);
  if (!is_online(*wanted)) return refuse(MoveRefusal::offline);
  std::unique_lock lock(mutex);
  auto at = entries.find(partition);
  if (at == entries.end()) {
    if (not_made.contains(partition)) return refuse(MoveRefusal::offline);
    if (expected) preferred.insert_or_assign(partition, wanted);
    return refuse(MoveRefusal::no_log);
  }
  auto& entry = at->second;
  auto again = [self = shared_from_this(), partition, path, expected, &done] {
    return [self, partition, path, expected, done = std::move(done)]() mutable {
      self->move(partition, path, expected, std::move(done));
    };
  };
  if (entry.busy) {
    entry.waiting.emplace_back(again());
    return;
  }
  if (entry.offline || entry.log == nullptr) return refuse(MoveRefusal::offline);
  if (entry.copy_directory != nullptr) {
    // Back to where it is, or elsewhere: first what was begun ends, and who came before has his turn.
    const bool goes_on = !entry.move_is_over && entry.after_move.empty();
    if (goes_on && entry.copy_directory == wanted) return answer({});
    entry.after_move.emplace_back(again());
    if (goes_on) cancel_move(entry);
    return;
  }
  if (entry.directory == wanted) return answer({});
  // A copy of an earlier process may be in the directory that is offline.
  if (environment->health->offline_count() > 0) return refuse(MoveRefusal::offline);
  entry.copy_directory = wanted;
  ++wanted->logs;
  auto log = entry.log;
  lock.unlock();
  shard.post([self = shared_from_this(), log, wanted, done = std::move(done)]() mutable {
    self->environment->pool.submit([self, log, wanted, config = log->config(), done = std::move(done)]() mutable {
      auto made = self->make_copy(*log, config, *wanted);
      log->shard().post([self, log, wanted, made = std::move(made), done = std::move(done)]() mutable {
        self->copy_made(log, *wanted, std::move(made), std::move(done));
      });
    });
  });
}

// On the pool.
Result<std::unique_ptr<LoadedLog>> LogManager::State::make_copy(const PartitionLog& log, const LogConfig& config,
                                                                const ManagedDirectory& directory) {
  const auto& partition = log.topic_partition();
  const auto path = directory.path() + "/" + future_directory_name(partition, environment->random).value();
  return create_log(partition, log.topic_id(), path, config, *environment);
}

// On the log's shard.
void LogManager::State::copy_made(const std::shared_ptr<PartitionLog>& log, ManagedDirectory& directory,
                                  Result<std::unique_ptr<LoadedLog>> made, MoveCompletion done) {
  const auto& partition = log->topic_partition();
  if (!made) {
    if (is_online(directory)) manager_logger.error("no copy of " + name_of(partition) + ": " + made.error().message);
    forget_copy(partition);
    return done(tl::unexpected(MoveRefusal::offline));
  }
  // Where the log was compacted, offsets may be missing in the copy, too.
  if (const Offset cleaned_to(log->published().cleaned_to.load()); cleaned_to >= Offset(0))
    (*made)->cleaned_to = cleaned_to;
  auto copy = std::make_shared<PartitionLog>(std::move(*made), environment, log->shard());
  copy->become_copy();
  manager_logger.info("the replica " + name_of(partition) + " moves from " + parent_of(log->directory()) + " to " +
                      directory.path());
  {
    std::lock_guard lock(mutex);
    entries.at(partition).copy = copy;
  }
  begin_move(log, std::move(copy), std::nullopt);
  done({});
}

// On the log's shard.
void LogManager::State::begin_move(const std::shared_ptr<PartitionLog>& log, std::shared_ptr<PartitionLog> copy,
                                   std::optional<Offset> end_at_load) {
  const auto partition = log->topic_partition();
  auto rename = [weak = weak_from_this(), partition, path = copy->directory()]() -> Result<std::string> {
    auto self = weak.lock();
    if (self == nullptr) return fail(ErrorKind::unavailable, "the log manager has ended");
    return self->swap_directories(partition, path);
  };
  auto ended = [weak = weak_from_this(), partition](const Status& status) {
    if (auto self = weak.lock()) self->move_ended(partition, status);
  };
  auto move = std::make_shared<ReplicaMove>(log, std::move(copy), environment->moves,
                                            ReplicaMove::Host{std::move(rename), std::move(ended)});
  bool unwanted = false;
  {
    std::lock_guard lock(mutex);
    auto& entry = entries.at(partition);
    entry.move = move;
    unwanted = !entry.after_move.empty() || entry.log != log;
  }
  move->start(end_at_load);
  if (unwanted) move->cancel();
}

// Under the mutex.
void LogManager::State::cancel_move(const Entry& entry) const {
  if (entry.move == nullptr || entry.copy == nullptr) return;  // begin_move sees who waits
  entry.copy->shard().post([move = entry.move] { move->cancel(); });
}

// On the log's shard, with nothing of the move under way.
void LogManager::State::move_ended(const TopicPartition& partition, const Status& status) {
  std::shared_ptr<PartitionLog> copy;
  ManagedDirectory* directory = nullptr;
  std::vector<Job> waiting;
  bool keeps = false;
  {
    std::lock_guard lock(mutex);
    auto& entry = entries.at(partition);
    entry.move = nullptr;
    copy = entry.copy;
    directory = entry.copy_directory;
    // The next start goes on with the copy of a log whose directory has failed: it is closed in order.
    keeps = !status && entry.offline && is_online(*directory);
    entry.move_is_over = !keeps;
    if (keeps) waiting = std::exchange(entry.after_move, {});
  }
  if (keeps) return serve_waiting(std::move(waiting));
  if (status) {
    manager_logger.info("the replica " + name_of(partition) + " has moved");
  } else if (status.error().kind == ErrorKind::cancelled) {
    manager_logger.info("the replica " + name_of(partition) + " does not move any more");
  } else {
    manager_logger.error(status.error().message);
  }
  if (status || !is_online(*directory)) return forget_copy(partition);
  environment->pool.submit([self = shared_from_this(), copy, partition, directory] {
    self->remove_copy(*copy, *directory);
    self->forget_copy(partition);
  });
}

// On the pool.
void LogManager::State::remove_copy(const PartitionLog& copy, const ManagedDirectory& directory) {
  const auto renamed = directory.path() + "/" + deleted_directory_name(copy.topic_partition(), environment->random);
  auto done = environment->files.rename(copy.directory(), renamed).and_then([&] {
    return environment->files.sync_directory(directory.path());
  });
  if (done) return remove_files(renamed);
  if (is_online(directory)) manager_logger.warning(done.error().message + "; the next start removes it");
}

void LogManager::State::forget_copy(const TopicPartition& partition) {
  std::vector<Job> waiting;
  {
    std::lock_guard lock(mutex);
    auto& entry = entries.at(partition);
    if (entry.copy_directory != nullptr) --entry.copy_directory->logs;
    entry.copy_directory = nullptr;
    entry.move_is_over = false;
    let_go(std::exchange(entry.copy, nullptr));
    entry.move = nullptr;
    waiting = std::exchange(entry.after_move, {});
  }
  serve_waiting(std::move(waiting));
}

// On the pool, while nothing is appended. In this order, so that the disk has one complete log at any time, and two only when
// one of them says which it is (takeover_file.h):
//
//   1  the takeover's number in the copy's directory, and the copy's numbers in the checkpoints of its log directory
//   2  the copy gets the log's name
//   3  the old directory becomes a "-delete"
//   4  the number goes, and the log's numbers from the old one's checkpoints
Result<std::string> LogManager::State::swap_directories(const TopicPartition& partition, const std::string& copy_path) {
  ManagedDirectory* from = nullptr;
  ManagedDirectory* to = nullptr;
  {
    std::lock_guard lock(mutex);
    auto& entry = entries.at(partition);
    if (entry.offline || entry.copy_directory == nullptr)
      return fail(ErrorKind::unavailable, "the log of " + name_of(partition) + " is offline");
    entry.swapping = true;
    from = entry.directory;
    to = entry.copy_directory;
  }
  const auto old_path = from->path() + "/" + name_of(partition);
  auto path = to->path() + "/" + name_of(partition);
  auto taken = take_name(old_path, copy_path, path, *to);
  if (!taken) {
    keep_name(*from, old_path, taken.error());
    finish_swap(partition);
    return tl::unexpected(taken.error());
  }
  std::int64_t delete_delay_ms = 0;
  {
    std::lock_guard lock(mutex);
    auto& entry = entries.at(partition);
    entry.directory = to;
    entry.copy_directory = from;
    entry.move_is_over = true;
    let_go(std::exchange(entry.copy, nullptr));
    delete_delay_ms = entry.log->published().file_delete_delay_ms.load();
  }
  give_up_name(partition, *from, path, delete_delay_ms);
  finish_swap(partition);
  return path;
}

Status LogManager::State::take_name(const std::string& old_path, const std::string& copy_path, const std::string& path,
                                    ManagedDirectory& to) {
  auto& files = environment->files;
  auto number = read_takeover(files, old_path);
  if (!number) return tl::unexpected(number.error());
  return write_takeover(files, copy_path, *number + 1)
      .and_then([&] { return to.write_checkpoints([&] { return checkpoints_of(to); }); })
      .and_then([&] { return files.rename(copy_path, path); })
      .and_then([&] { return files.sync_directory(to.path()); });
}

// What the other disk has made of the attempt is not known: whatever it is, this directory is the log's.
void LogManager::State::keep_name(const ManagedDirectory& from, const std::string& old_path, const Error& why) {
  auto& files = environment->files;
  auto kept = read_takeover(files, old_path).and_then([&](std::uint64_t number) {
    return write_takeover(files, old_path, number + 2);
  });
  if (!kept)
    environment->health->take_offline(from.number(), {ErrorKind::io, why.message + "; " + kept.error().message});
}

void LogManager::State::give_up_name(const TopicPartition& partition, ManagedDirectory& from, const std::string& path,
                                     std::int64_t delete_delay_ms) {
  auto& files = environment->files;
  const auto deleted = from.path() + "/" + deleted_directory_name(partition, environment->random);
  auto status = files.rename(from.path() + "/" + name_of(partition), deleted)
                    .and_then([&] { return files.sync_directory(from.path()); })
                    .and_then([&] { return remove_takeover(files, path); })
                    .and_then([&] { return from.write_checkpoints([&] { return checkpoints_of(from); }); });
  if (!status) {
    if (status.error().kind != ErrorKind::unavailable)
      manager_logger.warning(status.error().message + "; the next start tidies up after the move of " +
                             name_of(partition));
    return;
  }
  auto& shard = shard_for_partition(partition);
  shard.post([self = shared_from_this(), &shard, delete_delay_ms, deleted] {
    self->remove_later(shard, delete_delay_ms, deleted);
  });
}

// A directory that failed meanwhile left the log alone.
void LogManager::State::finish_swap(const TopicPartition& partition) {
  std::shared_ptr<PartitionLog> lost;
  const ManagedDirectory* directory = nullptr;
  DirectoryOffline tell;
  {
    std::lock_guard lock(mutex);
    auto& entry = entries.at(partition);
    entry.swapping = false;
    if (is_online(*entry.directory)) return;
    directory = entry.directory;
    lost = mark_offline(entry);
    tell = told_offline;
  }
  if (lost != nullptr) {
    lost->shard().post(
        [lost, why = environment->health->offline_error(directory->number())] { lost->go_offline(why); });
  }
  if (tell) tell(directory->path(), {partition});
}

std::vector<HostedLog> LogManager::State::hosted_logs() const {
  std::vector<HostedLog> hosted;
  std::lock_guard lock(mutex);
  hosted.reserve(entries.size());
  for (const auto& [partition, entry] : entries) {
    if (entry.log != nullptr && !entry.busy) hosted.push_back({entry.log, entry.directory->path(), false, 0});
    if (entry.copy == nullptr) continue;
    auto& copy = hosted.emplace_back(HostedLog{entry.copy, entry.copy_directory->path(), true, std::nullopt});
    if (entry.log != nullptr)
      copy.lag = entry.log->published().log_end_offset.load() - entry.copy->published().log_end_offset.load();
  }
  return hosted;
}

// At the start, when everything is loaded.
void LogManager::State::note_copies() {
  std::lock_guard lock(mutex);
  for (auto at = entries.begin(); at != entries.end();) {
    auto& [partition, entry] = *at;
    if (entry.copy != nullptr && entry.log == nullptr) {
      manager_logger.warning(entry.copy->directory() +
                             " is left alone: what it is a copy of cannot be used, or is not there");
      --entry.copy_directory->logs;
      entry.copy_directory = nullptr;
      entry.copy = nullptr;
      if (entry.failure.empty()) {
        at = entries.erase(at);
        continue;
      }
    }
    if (entry.copy != nullptr && entry.log != nullptr)
      entry.end_at_load = Offset(entry.log->published().log_end_offset.load());
    ++at;
  }
}

void LogManager::State::resume_moves() {
  std::lock_guard lock(mutex);
  for (const auto& [partition, entry] : entries) {
    if (entry.copy == nullptr || entry.log == nullptr) continue;
    entry.log->shard().post([self = shared_from_this(), log = entry.log, copy = entry.copy, end = entry.end_at_load] {
      self->begin_move(log, copy, end);
    });
  }
}

}  // namespace millrace::log

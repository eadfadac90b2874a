// Log directories whose disk has failed (Kafka: LogManager.handleLogDirFailure).
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "broker/log/log_manager_state.h"

namespace millrace::log {

std::shared_ptr<PartitionLog> LogManager::State::mark_offline(Entry& entry) {
  entry.offline = true;
  entry.failure = environment->health->reason(entry.directory->number());
  let_go(entry.log);
  return std::exchange(entry.log, nullptr);
}

// On the thread that met the failure. The flag of the directory is set by now: who adds a log to it afterwards sees
// that.
void LogManager::State::directory_failed(std::size_t number, const Error& why) {
  const auto& failed = *directories[number];
  std::vector<std::shared_ptr<PartitionLog>> logs;
  std::vector<std::shared_ptr<PartitionLog>> copies;
  std::vector<TopicPartition> partitions;
  DirectoryOffline tell;
  AllOffline tell_all;
  bool start_fails = false;
  {
    std::lock_guard lock(mutex);
    for (auto& [partition, entry] : entries) {
      // While directories change their names nobody knows whose log is hit: finish_swap sees to it.
      if (entry.swapping) continue;
      if (entry.copy_directory == &failed && entry.copy != nullptr) copies.push_back(entry.copy);
      if (entry.directory != &failed || entry.offline) continue;
      cancel_move(entry);
      partitions.push_back(partition);
      if (auto log = mark_offline(entry)) logs.push_back(std::move(log));
    }
    tell = told_offline;
    if (loaded && all_offline()) tell_all = told_all_offline;
    start_fails = !loaded && all_offline();
  }
  // A start that fails says why itself.
  if (!start_fails) {
    manager_logger.error("the log directory " + failed.path() + " is offline until the next start, and with it " +
                         std::to_string(partitions.size()) + " partitions: " + why.message);
  }
  show(failed);
  logs.insert(logs.end(), copies.begin(), copies.end());
  for (const auto& log : logs) log->shard().post([log, why] { log->go_offline(why); });
  if (tell) tell(failed.path(), partitions);
  if (tell_all) tell_all(all_offline_error().message);
}

DirectoryState LogManager::State::state_of(const ManagedDirectory& directory) const {
  const auto number = directory.number();
  const auto& progress = environment->directories[number];
  DirectoryState state{directory.path(), std::nullopt, 0, progress.logs_loaded, 0, progress.segments_recovered};
  // What is to be done grows before what is done.
  state.logs_total = progress.logs_total;
  state.segments_total = progress.segments_total;
  if (!environment->health->is_online(number)) state.offline = environment->health->reason(number);
  return state;
}

std::vector<DirectoryState> LogManager::State::directory_states() const {
  std::vector<DirectoryState> states;
  states.reserve(directories.size());
  for (const auto& directory : directories) states.push_back(state_of(*directory));
  return states;
}

void LogManager::State::show(const ManagedDirectory& directory) {
  if (metrics == nullptr) return;
  std::lock_guard lock(shown_mutex_);
  metrics->show(directory.number(), state_of(directory));
  metrics->show_offline_count(environment->health->offline_count());
}

Error LogManager::State::all_offline_error() const {
  std::string paths;
  for (const auto& directory : directories) {
    paths += (paths.empty() ? "" : "; ") + directory->path() + ": " + environment->health->reason(directory->number());
  }
  return {ErrorKind::io, "none of the log directories can be used: " + paths};
}

// A directory that went offline was named once, and keeps what was to be removed.
void LogManager::State::remove_files(const std::string& path) {
  if (auto removed = environment->files.remove_all(path); !removed && environment->health->is_online(path))
    manager_logger.warning(removed.error().message);
}

}  // namespace millrace::log

// The start of a log manager: directories, their identity, and every log in them.
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "broker/log/log_loader.h"
#include "broker/log/log_manager_state.h"
#include "broker/log/parallel_jobs.h"
#include "broker/log/partition_metadata_file.h"
#include "broker/log/takeover_file.h"

namespace millrace::log {

namespace {

constexpr Duration progress_line_interval = std::chrono::seconds(10);

// A directory that cannot be had because of its disk is offline; one that is somebody else's, or damaged, ends the start.
bool is_only_its_own_trouble(const Error& error) {
  return is_directory_failure(error) || error.kind == ErrorKind::not_found || error.kind == ErrorKind::already_exists;
}

}  // namespace

Status LogManager::State::check_identity(const ManagedDirectory& directory, MetaProperties& wanted) const {
  if (!directory.identity()) return {};
  const auto& found = *directory.identity();
  if (wanted.cluster_id.empty()) wanted.cluster_id = found.cluster_id;
  if (wanted.broker_id == BrokerId::none()) wanted.broker_id = found.broker_id;
  if (found.cluster_id != wanted.cluster_id) {
    return fail(ErrorKind::conflict, "the log directory " + directory.path() + " belongs to cluster " +
                                         found.cluster_id + ", not to " + wanted.cluster_id +
                                         "; choose another log.dirs, or start the broker of that cluster");
  }
  if (found.broker_id != wanted.broker_id) {
    return fail(ErrorKind::conflict, "the log directory " + directory.path() + " belongs to broker.id " +
                                         std::to_string(found.broker_id.value()) + ", not to " +
                                         std::to_string(wanted.broker_id.value()) +
                                         "; choose another log.dirs, or set broker.id");
  }
  return {};
}

Status LogManager::State::open_directories() {
  MetaProperties wanted{environment->options.cluster_id, environment->options.broker_id};
  clean = !directories.empty();
  for (auto& directory : directories) {
    if (auto opened = directory->open(); !opened) {
      if (!is_only_its_own_trouble(opened.error())) return opened;
      environment->health->take_offline(directory->number(), opened.error());
      continue;
    }
    clean = clean && directory->clean_shutdown().has_value();
    if (auto checked = check_identity(*directory, wanted); !checked) return checked;
  }
  if (all_offline()) return tl::unexpected(all_offline_error());
  identity = wanted;
  if (identity.cluster_id.empty() || identity.broker_id == BrokerId::none()) return {};
  return set_identity(identity);
}

Status LogManager::State::set_identity(const MetaProperties& wanted) {
  if (wanted.cluster_id.empty() || wanted.broker_id < BrokerId(0)) {
    return fail(ErrorKind::invalid_argument, "a log directory needs a cluster id and a broker.id from 0");
  }
  for (auto& directory : directories) {
    if (!is_online(*directory)) continue;
    if (directory->identity() && *directory->identity() != wanted) {
      return fail(ErrorKind::conflict, "the log directory " + directory->path() + " belongs to cluster " +
                                           directory->identity()->cluster_id + " and broker.id " +
                                           std::to_string(directory->identity()->broker_id.value()) + ", not to " +
                                           wanted.cluster_id + " and " + std::to_string(wanted.broker_id.value()));
    }
    auto written = directory->set_identity(wanted, environment->clock.wall_clock());
    if (!written && is_online(*directory)) return written;
  }
  if (all_offline()) return tl::unexpected(all_offline_error());
  identity = wanted;
  return {};
}

// A topic that was deleted while the directory was offline, or that is there again under another id.
Result<bool> LogManager::State::set_aside_if_stray(const ManagedDirectory& directory, const PartitionDirectory& found,
                                                   const KnowsPartition& knows, Strays& strays) {
  if (!knows) return false;
  auto& files = environment->files;
  const auto path = directory.path() + "/" + found.name;
  auto id = read_partition_metadata(files, path);
  // A damaged one is named when the log is loaded.
  if (!id) return false;
  if (knows(found.partition, id->value_or(TopicId{}))) return false;
  const bool is_copy = found.kind == PartitionDirectoryKind::future;
  const auto aside = directory.path() + "/" +
                     (is_copy ? deleted_directory_name(found.partition, environment->random)
                              : stray_directory_name(found.partition, environment->random));
  auto renamed = files.rename(path, aside).and_then([&] { return files.sync_directory(directory.path()); });
  if (!renamed) return tl::unexpected(renamed.error());
  if (is_copy) {
    environment->pool.submit([self = shared_from_this(), aside] { self->remove_files(aside); });
  } else {
    strays[&directory].push_back({found.partition, id->value_or(TopicId{})});
    manager_logger.warning("the cluster has no partition that " + path + " belongs to: it is a stray, now " + aside +
                           ", and may be removed by hand");
  }
  return true;
}

// Two directories have the name of one partition: an interrupted move says which is the log's.
Status LogManager::State::choose(LoadJob& known, LoadJob other) {
  auto& files = environment->files;
  auto known_number = read_takeover(files, known.path());
  if (!known_number) return tl::unexpected(known_number.error());
  auto other_number = read_takeover(files, other.path());
  if (!other_number) return tl::unexpected(other_number.error());
  if (*known_number == *other_number) {
    return fail(ErrorKind::conflict, "the partition " + known.found.name +
                                         " is in two log directories: " + known.path() + " and " + other.path());
  }
  if (*other_number > *known_number) std::swap(known, other);
  const auto deleted =
      other.directory->path() + "/" + deleted_directory_name(other.found.partition, environment->random);
  manager_logger.warning(other.path() + " is removed: the replica has moved to " + known.path() +
                         ", which a stop or a failure has interrupted");
  auto renamed =
      files.rename(other.path(), deleted).and_then([&] { return files.sync_directory(other.directory->path()); });
  if (!renamed) return renamed;
  environment->pool.submit([self = shared_from_this(), deleted] { self->remove_files(deleted); });
  return {};
}

Status LogManager::State::find_logs_in(ManagedDirectory& directory, const KnowsPartition& knows, FoundLogs& found) {
  auto scanned = scan_log_directory(environment->files, directory.path());
  if (!scanned) return tl::unexpected(scanned.error());
  const auto checkpoints = directory.read_checkpoints();
  for (auto& partition : *scanned) {
    LoadJob job{&directory, partition, checkpoints.of(partition.partition)};
    if (partition.kind == PartitionDirectoryKind::deleted) {
      environment->pool.submit([self = shared_from_this(), path = job.path()] { self->remove_files(path); });
      continue;
    }
    if (partition.kind == PartitionDirectoryKind::stray) {
      manager_logger.warning(job.path() + " is left alone: the cluster has no such partition here");
      auto id = read_partition_metadata(environment->files, job.path());
      found.strays[&directory].push_back({partition.partition, id ? id->value_or(TopicId{}) : TopicId{}});
      continue;
    }
    auto stray = set_aside_if_stray(directory, partition, knows, found.strays);
    if (!stray) return tl::unexpected(stray.error());
    if (*stray) continue;
    if (partition.kind == PartitionDirectoryKind::future) {
      if (found.copies.insert(partition.partition).second) {
        found.jobs.push_back(std::move(job));
      } else {
        manager_logger.warning(job.path() + " is left alone: there is another copy of this partition");
      }
      continue;
    }
    const auto [at, added] = found.logs.emplace(partition.partition, found.jobs.size());
    if (added) {
      found.jobs.push_back(std::move(job));
    } else if (auto chosen = choose(found.jobs[at->second], std::move(job)); !chosen) {
      return chosen;
    }
  }
  return {};
}

// A directory that is offline may have the other half of a move.
void LogManager::State::forget_takeovers(const std::vector<LoadJob>& jobs) {
  if (directories.size() < 2 || environment->health->offline_count() > 0) return;
  for (const auto& job : jobs) {
    if (job.found.kind != PartitionDirectoryKind::current) continue;
    if (auto removed = remove_takeover(environment->files, job.path()); !removed)
      manager_logger.warning(removed.error().message);
  }
}

Result<LogManager::State::FoundLogs> LogManager::State::find_logs(const KnowsPartition& knows) {
  FoundLogs all;
  for (auto& directory : directories) {
    if (!is_online(*directory)) continue;
    auto found = find_logs_in(*directory, knows, all);
    if (!found && is_online(*directory)) return tl::unexpected(found.error());
  }
  std::erase_if(all.jobs, [&](const LoadJob& job) { return !is_online(*job.directory); });
  forget_takeovers(all.jobs);
  return all;
}

// The copy of an unfinished move. One that cannot be used is made anew when somebody asks for the move again.
void LogManager::State::load_copy(const LoadJob& job, const LogConfig& config) {
  const auto& partition = job.found.partition;
  auto log = load_log({.partition = partition,
                       .directory = job.path(),
                       .config = config,
                       .clean = job.directory->clean_shutdown().has_value(),
                       .recovery_point = job.checkpoint.recovery_point,
                       .log_start = job.checkpoint.log_start,
                       .high_watermark = job.checkpoint.high_watermark,
                       .cleaned = job.checkpoint.cleaned_to.has_value()},
                      *environment);
  if (!log) {
    if (!is_online(*job.directory)) return;
    manager_logger.warning("the copy " + job.path() + " cannot be used and is removed: " + log.error().message);
    return remove_files(job.path());
  }
  (*log)->cleaned_to = job.checkpoint.cleaned_to;
  auto copy = std::make_shared<PartitionLog>(std::move(*log), environment, shard_for_partition(partition));
  copy->become_copy();
  ++job.directory->logs;
  std::lock_guard lock(mutex);
  auto& entry = entries[partition];
  entry.copy = std::move(copy);
  entry.copy_directory = job.directory;
}

void LogManager::State::load_one(const LoadJob& job, const LogConfig& config, const JournalReplay* journal) {
  const auto& partition = job.found.partition;
  auto log = load_log({.partition = partition,
                       .directory = job.directory->path() + "/" + job.found.name,
                       .config = config,
                       .clean = job.directory->clean_shutdown().has_value(),
                       .recovery_point = job.checkpoint.recovery_point,
                       .log_start = job.checkpoint.log_start,
                       .high_watermark = job.checkpoint.high_watermark,
                       .cleaned = job.checkpoint.cleaned_to.has_value(),
                       .journal = journal},
                      *environment);
  std::shared_ptr<PartitionLog> made;
  if (log) {
    (*log)->cleaned_to = job.checkpoint.cleaned_to;
    made = std::make_shared<PartitionLog>(std::move(*log), environment, shard_for_partition(partition));
    made->schedule_duties();  // nobody else has it yet
  } else if (is_online(*job.directory)) {
    manager_logger.error("the log of " + job.found.name + " cannot be used: " + log.error().message);
    // What is damaged, somebody has to mend. Whatever else it is may be over at the next start: that needs the records.
    if (journal != nullptr && !journal->of(partition).empty() && log.error().kind != ErrorKind::corrupt)
      journal->refuse(
          "the log of " + job.found.name +
          ", of which the journal of its log directory has records, cannot be loaded: " + log.error().message);
  }
  ++job.directory->logs;
  ++environment->directories[job.directory->number()].logs_loaded;
  {
    std::lock_guard lock(mutex);
    auto& entry = entries[partition];  // its copy may be there already
    entry.directory = job.directory;
    entry.checkpoint = job.checkpoint;
    entry.log = std::move(made);
    if (!log) entry.failure = log.error().message;
    if (!is_online(*job.directory)) mark_offline(entry);
  }
  tell_progress(*job.directory);
}

// Of a start that takes long: gauges whenever a log is loaded, and a line when the last one is ten seconds old.
void LogManager::State::tell_progress(const ManagedDirectory& directory) {
  show(directory);
  const auto now = environment->clock.now();
  {
    std::lock_guard lock(mutex);
    if (now < next_progress_line_) return;
    next_progress_line_ = now + progress_line_interval;
  }
  manager_logger.info(describe_progress(directory_states()));
}

Status LogManager::State::load(const ConfigForTopic& config_for_topic, const KnowsPartition& knows) {
  if (identity.cluster_id.empty()) return fail(ErrorKind::invalid_argument, "the log directories have no identity yet");
  auto replays = read_journals();
  if (!replays) return tl::unexpected(replays.error());
  auto found = find_logs(knows);
  if (!found) return tl::unexpected(found.error());
  const auto& jobs = found->jobs;
  for (auto& directory : directories) {
    if (!is_online(*directory)) continue;
    if (auto begun = directory->begin_use(); !begun && is_online(*directory)) return begun;
  }
  for (const auto& job : jobs) {
    if (job.found.kind == PartitionDirectoryKind::current)
      ++environment->directories[job.directory->number()].logs_total;
  }
  for (const auto& directory : directories) show(*directory);
  next_progress_line_ = environment->clock.now() + progress_line_interval;
  std::map<std::string, LogConfig> configs;
  std::vector<std::function<void()>> work;
  work.reserve(jobs.size());
  for (const auto& job : jobs) {
    const auto& topic = job.found.partition.topic;
    auto config = configs.find(topic);
    if (config == configs.end()) config = configs.emplace(topic, config_for_topic(topic)).first;
    const auto* replay = (*replays)[job.directory->number()].get();
    work.emplace_back([this, &job, chosen = config->second, replay] {
      job.found.kind == PartitionDirectoryKind::future ? load_copy(job, chosen) : load_one(job, chosen, replay);
    });
  }
  run_in_parallel(environment->pool, environment->options.recovery_threads * directories.size(), std::move(work));
  note_copies();
  for (const auto& directory : directories) show(*directory);
  if (auto begun = begin_journals(*replays, found->strays); !begun) return begun;
  // Numbers of logs that are gone must not meet new ones of the same name.
  if (auto written = write_checkpoints(); !written) return written;
  {
    // Who goes offline from now on is told; who went before is seen here.
    std::lock_guard lock(mutex);
    loaded = true;
    if (!all_offline()) return {};
  }
  return tl::unexpected(all_offline_error());
}

}  // namespace millrace::log

// The start of a log manager: directories, their identity, and every log in them.
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "broker/log/log_loader.h"
#include "broker/log/log_manager_state.h"
#include "broker/log/parallel_jobs.h"

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

Status LogManager::State::find_logs_in(ManagedDirectory& directory, std::map<TopicPartition, std::string>& seen,
                                       std::vector<LoadJob>& jobs) {
  auto found = scan_log_directory(environment->files, directory.path());
  if (!found) return tl::unexpected(found.error());
  const auto checkpoints = directory.read_checkpoints();
  for (auto& partition : *found) {
    const auto path = directory.path() + "/" + partition.name;
    if (partition.kind == PartitionDirectoryKind::deleted) {
      environment->pool.submit([self = shared_from_this(), path] { self->remove_files(path); });
    } else if (partition.kind != PartitionDirectoryKind::current) {
      manager_logger.warning(
          path + " is left alone: it is " +
          (partition.kind == PartitionDirectoryKind::future ? "an unfinished copy" : "no longer assigned here"));
    } else if (auto [at, added] = seen.emplace(partition.partition, path); !added) {
      return fail(ErrorKind::conflict,
                  "the partition " + partition.name + " is in two log directories: " + at->second + " and " + path);
    } else {
      jobs.push_back({&directory, partition, checkpoints.of(partition.partition)});
    }
  }
  return {};
}

Result<std::vector<LogManager::State::LoadJob>> LogManager::State::find_logs() {
  std::vector<LoadJob> jobs;
  std::map<TopicPartition, std::string> seen;
  for (auto& directory : directories) {
    if (!is_online(*directory)) continue;
    auto found = find_logs_in(*directory, seen, jobs);
    if (!found && is_online(*directory)) return tl::unexpected(found.error());
  }
  return jobs;
}

void LogManager::State::load_one(const LoadJob& job, const LogConfig& config) {
  const auto& partition = job.found.partition;
  auto log = load_log({.partition = partition,
                       .directory = job.directory->path() + "/" + job.found.name,
                       .config = config,
                       .clean = job.directory->clean_shutdown().has_value(),
                       .recovery_point = job.checkpoint.recovery_point,
                       .log_start = job.checkpoint.log_start,
                       .high_watermark = job.checkpoint.high_watermark,
                       .cleaned = job.checkpoint.cleaned_to.has_value()},
                      *environment);
  Entry entry;
  entry.directory = job.directory;
  entry.checkpoint = job.checkpoint;
  if (log) {
    (*log)->cleaned_to = job.checkpoint.cleaned_to;
    entry.log = std::make_shared<PartitionLog>(std::move(*log), environment, shard_for_partition(partition));
    entry.log->schedule_duties();  // nobody else has it yet
  } else {
    entry.failure = log.error().message;
    if (is_online(*job.directory))
      manager_logger.error("the log of " + job.found.name + " cannot be used: " + entry.failure);
  }
  ++job.directory->logs;
  ++environment->directories[job.directory->number()].logs_loaded;
  {
    std::lock_guard lock(mutex);
    if (!is_online(*job.directory)) mark_offline(entry);
    entries.insert_or_assign(partition, std::move(entry));
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

Status LogManager::State::load(const ConfigForTopic& config_for_topic) {
  if (identity.cluster_id.empty()) return fail(ErrorKind::invalid_argument, "the log directories have no identity yet");
  auto jobs = find_logs();
  if (!jobs) return tl::unexpected(jobs.error());
  for (auto& directory : directories) {
    if (!is_online(*directory)) continue;
    if (auto begun = directory->begin_use(); !begun && is_online(*directory)) return begun;
  }
  for (const auto& job : *jobs) ++environment->directories[job.directory->number()].logs_total;
  for (const auto& directory : directories) show(*directory);
  next_progress_line_ = environment->clock.now() + progress_line_interval;
  std::map<std::string, LogConfig> configs;
  std::vector<std::function<void()>> work;
  work.reserve(jobs->size());
  for (const auto& job : *jobs) {
    const auto& topic = job.found.partition.topic;
    auto config = configs.find(topic);
    if (config == configs.end()) config = configs.emplace(topic, config_for_topic(topic)).first;
    work.emplace_back([this, &job, chosen = config->second] { load_one(job, chosen); });
  }
  run_in_parallel(environment->pool, environment->options.recovery_threads * directories.size(), std::move(work));
  for (const auto& directory : directories) show(*directory);
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

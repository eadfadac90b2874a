#include "broker/log/log_manager.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "broker/base/logging.h"
#include "broker/log/log_directory.h"
#include "broker/log/log_environment.h"
#include "broker/log/log_loader.h"
#include "broker/log/managed_directory.h"
#include "broker/log/parallel_jobs.h"
#include "broker/log/partition_metadata_file.h"

namespace millrace::log {
namespace {

constexpr Logger logger{"log"};

// A configuration says "for ever" with more milliseconds than nanoseconds can hold: more than three years is three years.
Duration bounded_milliseconds(std::int64_t milliseconds) {
  constexpr std::int64_t longest_ms = 100'000'000'000;
  return std::chrono::milliseconds(std::min(milliseconds, longest_ms));
}

std::string name_of(const TopicPartition& partition) { return partition_directory_name(partition); }

}  // namespace

// The map of logs is under a mutex that is never held over I/O or a completion. An entry is `busy` while its directory is
// made or renamed; who comes meanwhile waits in `waiting` and is served afterwards, in order.
class LogManager::State : public std::enable_shared_from_this<LogManager::State> {
 public:
  struct Entry {
    std::shared_ptr<PartitionLog> log;
    ManagedDirectory* directory = nullptr;
    bool busy = false;
    std::string failure;             // why the log could not be loaded
    CheckpointedOffsets checkpoint;  // of a log that could not be loaded
    std::vector<Job> waiting;
  };
  struct LoadJob {
    ManagedDirectory* directory;
    PartitionDirectory found;
    CheckpointedOffsets checkpoint;
  };

  State(const LogManagerOptions& options, FileSystem& files, const Clock& clock, BlockingPool& pool, Random& random,
        ShardForPartition shards)
      : environment(std::make_shared<LogEnvironment>(options, files, clock, pool, random)),
        shard_for_partition(std::move(shards)) {
    for (const auto& path : environment->options.directories)
      directories.push_back(std::make_unique<ManagedDirectory>(files, path));
  }

  Status open_directories();
  Status set_identity(const MetaProperties& wanted);
  Status load(const ConfigForTopic& config_for_topic);
  void get_or_create(const TopicPartition& partition, const TopicId& topic_id, const LogConfig& config,
                     CreateCompletion done);
  void remove(const TopicPartition& partition, UniqueFunction<void(Status)> done);
  Status close(BrokerEpoch broker_epoch);

  DirectoryCheckpoints checkpoints_of(const ManagedDirectory& directory) const;
  Status write_checkpoints();
  void arm(Shard& home, std::int64_t interval_ms, void (State::*work)());
  void keep_house();
  void write_checkpoints_on_pool();
  void write_high_watermarks_on_pool();
  std::vector<std::shared_ptr<PartitionLog>> logs() const;

  std::shared_ptr<LogEnvironment> environment;
  ShardForPartition shard_for_partition;
  std::vector<std::unique_ptr<ManagedDirectory>> directories;
  MetaProperties identity;
  bool clean = false;  // all directories had their marker
  BrokerEpoch clean_broker_epoch = BrokerEpoch::none();
  mutable std::mutex mutex;
  std::map<TopicPartition, Entry> entries;

 private:
  Result<std::vector<LoadJob>> find_logs();
  void load_one(const LoadJob& job, const LogConfig& config);
  void create(const TopicPartition& partition, const TopicId& topic_id, const LogConfig& config,
              ManagedDirectory& directory, CreateCompletion done);
  void rename_and_remove(const TopicPartition& partition, std::int64_t delete_delay_ms,
                         UniqueFunction<void(Status)> done);
  void remove_later(Shard& shard, std::int64_t delay_ms, std::string path);
  ManagedDirectory& emptiest_directory();
  void serve_waiting(std::vector<Job> waiting) const;

  std::atomic<bool> writing_checkpoints_{false};
  std::atomic<bool> writing_high_watermarks_{false};
};

Status LogManager::State::open_directories() {
  MetaProperties wanted{environment->options.cluster_id, environment->options.broker_id};
  clean = !directories.empty();
  for (auto& directory : directories) {
    if (auto opened = directory->open(); !opened) return opened;
    clean = clean && directory->clean_shutdown().has_value();
    clean_broker_epoch = directory->clean_shutdown().value_or(BrokerEpoch::none());
    if (!directory->identity()) continue;
    const auto& found = *directory->identity();
    if (wanted.cluster_id.empty()) wanted.cluster_id = found.cluster_id;
    if (wanted.broker_id == BrokerId::none()) wanted.broker_id = found.broker_id;
    if (found.cluster_id != wanted.cluster_id) {
      return fail(ErrorKind::conflict, "the log directory " + directory->path() + " belongs to cluster " +
                                           found.cluster_id + ", not to " + wanted.cluster_id +
                                           "; choose another log.dirs, or start the broker of that cluster");
    }
    if (found.broker_id != wanted.broker_id) {
      return fail(ErrorKind::conflict, "the log directory " + directory->path() + " belongs to broker.id " +
                                           std::to_string(found.broker_id.value()) + ", not to " +
                                           std::to_string(wanted.broker_id.value()) +
                                           "; choose another log.dirs, or set broker.id");
    }
  }
  if (!clean) clean_broker_epoch = BrokerEpoch::none();
  identity = wanted;
  if (identity.cluster_id.empty() || identity.broker_id == BrokerId::none()) return {};
  return set_identity(identity);
}

Status LogManager::State::set_identity(const MetaProperties& wanted) {
  if (wanted.cluster_id.empty() || wanted.broker_id < BrokerId(0)) {
    return fail(ErrorKind::invalid_argument, "a log directory needs a cluster id and a broker.id from 0");
  }
  for (auto& directory : directories) {
    if (directory->identity() && *directory->identity() != wanted) {
      return fail(ErrorKind::conflict, "the log directory " + directory->path() + " belongs to cluster " +
                                           directory->identity()->cluster_id + " and broker.id " +
                                           std::to_string(directory->identity()->broker_id.value()) + ", not to " +
                                           wanted.cluster_id + " and " + std::to_string(wanted.broker_id.value()));
    }
    if (auto written = directory->set_identity(wanted, environment->clock.wall_clock()); !written) return written;
  }
  identity = wanted;
  return {};
}

Result<std::vector<LogManager::State::LoadJob>> LogManager::State::find_logs() {
  std::vector<LoadJob> jobs;
  std::map<TopicPartition, std::string> seen;
  for (auto& directory : directories) {
    auto found = scan_log_directory(environment->files, directory->path());
    if (!found) return tl::unexpected(found.error());
    const auto checkpoints = directory->read_checkpoints();
    for (auto& partition : *found) {
      const auto path = directory->path() + "/" + partition.name;
      if (partition.kind == PartitionDirectoryKind::deleted) {
        environment->pool.submit([environment = environment, path] {
          if (auto removed = environment->files.remove_all(path); !removed) logger.warning(removed.error().message);
        });
      } else if (partition.kind != PartitionDirectoryKind::current) {
        logger.warning(
            path + " is left alone: it is " +
            (partition.kind == PartitionDirectoryKind::future ? "an unfinished copy" : "no longer assigned here"));
      } else if (auto [at, added] = seen.emplace(partition.partition, path); !added) {
        return fail(ErrorKind::conflict,
                    "the partition " + partition.name + " is in two log directories: " + at->second + " and " + path);
      } else {
        jobs.push_back({directory.get(), partition, checkpoints.of(partition.partition)});
      }
    }
  }
  return jobs;
}

void LogManager::State::load_one(const LoadJob& job, const LogConfig& config) {
  const auto& partition = job.found.partition;
  auto loaded = load_log({.partition = partition,
                          .directory = job.directory->path() + "/" + job.found.name,
                          .config = config,
                          .clean = job.directory->clean_shutdown().has_value(),
                          .recovery_point = job.checkpoint.recovery_point,
                          .log_start = job.checkpoint.log_start,
                          .high_watermark = job.checkpoint.high_watermark,
                          .cleaned = job.checkpoint.cleaned},
                         *environment);
  Entry entry;
  entry.directory = job.directory;
  entry.checkpoint = job.checkpoint;
  if (loaded) {
    entry.log = std::make_shared<PartitionLog>(std::move(*loaded), environment, shard_for_partition(partition));
  } else {
    entry.failure = loaded.error().message;
    logger.error("the log of " + job.found.name + " cannot be used: " + entry.failure);
  }
  ++job.directory->logs;
  ++environment->progress.logs_loaded;
  std::lock_guard lock(mutex);
  entries.insert_or_assign(partition, std::move(entry));
}

Status LogManager::State::load(const ConfigForTopic& config_for_topic) {
  if (identity.cluster_id.empty()) return fail(ErrorKind::invalid_argument, "the log directories have no identity yet");
  auto jobs = find_logs();
  if (!jobs) return tl::unexpected(jobs.error());
  for (auto& directory : directories) {
    if (auto begun = directory->begin_use(); !begun) return begun;
  }
  environment->progress.logs_total = static_cast<std::uint32_t>(jobs->size());
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
  // Numbers of logs that are gone must not meet new ones of the same name.
  return write_checkpoints();
}

ManagedDirectory& LogManager::State::emptiest_directory() {
  return **std::ranges::min_element(directories, {}, [](const auto& directory) { return directory->logs.load(); });
}

void LogManager::State::serve_waiting(std::vector<Job> waiting) const {
  for (auto& job : waiting) job();
}

void LogManager::State::get_or_create(const TopicPartition& partition, const TopicId& topic_id, const LogConfig& config,
                                      CreateCompletion done) {
  auto& shard = shard_for_partition(partition);
  auto answer = [&](Result<std::shared_ptr<PartitionLog>> result) {
    shard.post([result = std::move(result), done = std::move(done)]() mutable { done(std::move(result)); });
  };
  std::unique_lock lock(mutex);
  auto [at, added] = entries.try_emplace(partition);
  auto& entry = at->second;
  if (entry.busy) {
    entry.waiting.emplace_back(
        [self = shared_from_this(), partition, topic_id, config, done = std::move(done)]() mutable {
          self->get_or_create(partition, topic_id, config, std::move(done));
        });
    return;
  }
  if (added) {
    entry.busy = true;
    entry.directory = &emptiest_directory();
    ++entry.directory->logs;
    auto& directory = *entry.directory;
    lock.unlock();
    return create(partition, topic_id, config, directory, std::move(done));
  }
  auto log = entry.log;
  auto failure = entry.failure;
  lock.unlock();
  if (log == nullptr) {
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

void LogManager::State::create(const TopicPartition& partition, const TopicId& topic_id, const LogConfig& config,
                               ManagedDirectory& directory, CreateCompletion done) {
  auto& shard = shard_for_partition(partition);
  environment->pool.submit(
      [self = shared_from_this(), &shard, &directory, partition, topic_id, config, done = std::move(done)]() mutable {
        auto created =
            create_log(partition, topic_id, directory.path() + "/" + name_of(partition), config, *self->environment);
        Result<std::shared_ptr<PartitionLog>> result;
        if (created) {
          result = std::make_shared<PartitionLog>(std::move(*created), self->environment, shard);
        } else {
          result = tl::unexpected(created.error());
          --directory.logs;
        }
        std::vector<Job> waiting;
        {
          std::lock_guard lock(self->mutex);
          auto at = self->entries.find(partition);
          waiting = std::move(at->second.waiting);
          if (result) {
            at->second = Entry{};
            at->second.log = *result;
            at->second.directory = &directory;
          } else {
            self->entries.erase(at);
          }
        }
        shard.post([result = std::move(result), done = std::move(done)]() mutable { done(std::move(result)); });
        self->serve_waiting(std::move(waiting));
      });
}

void LogManager::State::remove(const TopicPartition& partition, UniqueFunction<void(Status)> done) {
  auto& shard = shard_for_partition(partition);
  std::unique_lock lock(mutex);
  auto at = entries.find(partition);
  if (at == entries.end()) {
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
  {
    std::lock_guard lock(mutex);
    directory = entries.at(partition).directory;
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
    if (status) {
      entries.erase(at);
    } else {
      at->second.busy = false;
      at->second.waiting.clear();
      at->second.log = nullptr;
      at->second.failure = "it could not be deleted: " + status.error().message;
    }
  }
  if (status) {
    --directory->logs;
    status = directory->write_checkpoints([&] { return checkpoints_of(*directory); });
    shard.post([self = shared_from_this(), &shard, delete_delay_ms, renamed] {
      self->remove_later(shard, delete_delay_ms, renamed);
    });
  }
  shard.post([status = std::move(status), done = std::move(done)]() mutable { done(std::move(status)); });
  serve_waiting(std::move(waiting));
}

void LogManager::State::remove_later(Shard& shard, std::int64_t delay_ms, std::string path) {
  shard.after(bounded_milliseconds(delay_ms), [self = shared_from_this(), path = std::move(path)]() mutable {
    auto& pool = self->environment->pool;
    pool.submit([self = std::move(self), path = std::move(path)] {
      if (auto removed = self->environment->files.remove_all(path); !removed) logger.warning(removed.error().message);
    });
  });
}

std::vector<std::shared_ptr<PartitionLog>> LogManager::State::logs() const {
  std::vector<std::shared_ptr<PartitionLog>> found;
  std::lock_guard lock(mutex);
  found.reserve(entries.size());
  for (const auto& [partition, entry] : entries) {
    if (entry.log != nullptr && !entry.busy) found.push_back(entry.log);
  }
  return found;
}

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
    if (auto written = self->write_checkpoints(); !written) logger.error(written.error().message);
    self->writing_checkpoints_ = false;
  });
}

void LogManager::State::write_high_watermarks_on_pool() {
  if (writing_high_watermarks_.exchange(true)) return;
  environment->pool.submit([self = shared_from_this()] {
    for (auto& directory : self->directories) {
      auto written = directory->write_high_watermarks([&] { return self->checkpoints_of(*directory).high_watermarks; });
      if (!written) logger.error(written.error().message);
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
        logger.error(closed.error().message);
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
    if (!status) logger.error(status.error().message);
    if (first && !status) first = status;
    directory->unlock();
  }
  return first;
}

LogManager::LogManager(const LogManagerOptions& options, FileSystem& files, const Clock& clock, BlockingPool& pool,
                       Random& random, ShardForPartition shard_for_partition)
    : state_(std::make_shared<State>(options, files, clock, pool, random, std::move(shard_for_partition))) {}

LogManager::~LogManager() = default;

Status LogManager::open_directories() { return state_->open_directories(); }
std::string LogManager::cluster_id() const { return state_->identity.cluster_id; }
BrokerId LogManager::broker_id() const { return state_->identity.broker_id; }
Status LogManager::set_identity(BrokerId broker_id, const std::string& cluster_id) {
  return state_->set_identity({cluster_id, broker_id});
}
bool LogManager::had_clean_shutdown() const { return state_->clean; }
BrokerEpoch LogManager::clean_shutdown_broker_epoch() const { return state_->clean_broker_epoch; }

void LogManager::set_load_options(std::size_t recovery_threads, std::int64_t producer_id_expiration_ms) {
  state_->environment->options.recovery_threads = recovery_threads;
  state_->environment->options.producer_id_expiration_ms = producer_id_expiration_ms;
}

Status LogManager::load(const ConfigForTopic& config_for_topic) { return state_->load(config_for_topic); }
const LoadProgress& LogManager::progress() const { return state_->environment->progress; }

void LogManager::start(Shard& home) {
  const auto& options = state_->environment->options;
  state_->arm(home, options.housekeeping_interval_ms, &State::keep_house);
  state_->arm(home, options.checkpoint_interval_ms, &State::write_checkpoints_on_pool);
  state_->arm(home, options.high_watermark_checkpoint_interval_ms, &State::write_high_watermarks_on_pool);
}

std::vector<std::shared_ptr<PartitionLog>> LogManager::logs() const { return state_->logs(); }

std::shared_ptr<PartitionLog> LogManager::find(const TopicPartition& partition) const {
  std::lock_guard lock(state_->mutex);
  auto at = state_->entries.find(partition);
  return at == state_->entries.end() || at->second.busy ? nullptr : at->second.log;
}

std::vector<std::pair<TopicPartition, std::string>> LogManager::unusable() const {
  std::vector<std::pair<TopicPartition, std::string>> found;
  std::lock_guard lock(state_->mutex);
  for (const auto& [partition, entry] : state_->entries) {
    if (!entry.failure.empty()) found.emplace_back(partition, entry.failure);
  }
  return found;
}

void LogManager::get_or_create(const TopicPartition& partition, const TopicId& topic_id, const LogConfig& config,
                               CreateCompletion done) {
  state_->get_or_create(partition, topic_id, config, std::move(done));
}

void LogManager::remove(const TopicPartition& partition, UniqueFunction<void(Status)> done) {
  state_->remove(partition, std::move(done));
}

Status LogManager::write_checkpoints() { return state_->write_checkpoints(); }
Status LogManager::close(BrokerEpoch broker_epoch) { return state_->close(broker_epoch); }
const LogManagerStatistics& LogManager::statistics() const { return state_->environment->statistics; }

}  // namespace millrace::log

#include "broker/log/log_manager.h"

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "broker/log/journal_metrics.h"
#include "broker/log/log_manager_state.h"

namespace millrace::log {

std::vector<std::shared_ptr<PartitionLog>> LogManager::State::logs() const {
  std::vector<std::shared_ptr<PartitionLog>> found;
  std::lock_guard lock(mutex);
  found.reserve(entries.size());
  for (const auto& [partition, entry] : entries) {
    if (entry.log != nullptr && !entry.busy) found.push_back(entry.log);
  }
  return found;
}

LogManager::LogManager(const LogManagerOptions& options, FileSystem& files, const Clock& clock, BlockingPool& pool,
                       Random& random, ShardForPartition shard_for_partition)
    : state_(std::make_shared<State>(options, files, clock, pool, random, std::move(shard_for_partition))) {
  state_->make_journals();
  state_->environment->write_checkpoints = [weak = state_->weak_from_this()](const std::string& path) -> Status {
    auto state = weak.lock();
    if (state == nullptr) return fail(ErrorKind::unavailable, "the log manager has ended");
    return state->write_checkpoints_of(path);
  };
  state_->environment->health->listen([weak = state_->weak_from_this()](std::size_t directory, const Error& why) {
    if (auto state = weak.lock()) state->directory_failed(directory, why);
  });
}

LogManager::~LogManager() {
  state_->environment->moves.forget_waiting();
  if (state_->cleaner != nullptr) state_->cleaner->abandon();
  if (state_->scrubber != nullptr) state_->scrubber->abandon();
  for (const auto& journal : state_->environment->journals) journal->abandon();
  state_->abandon();
}

// What waits for a log, or for the end of its move, holds who it waits for.
void LogManager::State::abandon() {
  std::vector<Job> forgotten;
  std::vector<std::shared_ptr<ReplicaMove>> moves;
  std::vector<std::shared_ptr<PartitionLog>> logs;
  {
    std::lock_guard lock(mutex);
    for (auto& [partition, entry] : entries) {
      for (auto* waiting : {&entry.waiting, &entry.after_move}) {
        std::ranges::move(*waiting, std::back_inserter(forgotten));
        waiting->clear();
      }
      moves.push_back(std::exchange(entry.move, nullptr));
      for (const auto& log : {entry.log, entry.copy}) {
        if (log != nullptr) logs.push_back(log);
      }
    }
    for (const auto& gone : let_go_) {
      if (auto log = gone.lock()) logs.push_back(std::move(log));
    }
  }
  for (const auto& log : logs) log->abandon();
}

void LogManager::State::let_go(const std::shared_ptr<PartitionLog>& log) {
  if (log == nullptr) return;
  // A directory that fails lets go of thousands at once.
  if (let_go_.size() >= most_let_go_) {
    std::erase_if(let_go_, [](const auto& gone) { return gone.expired(); });
    most_let_go_ = std::max(least_let_go, 2 * let_go_.size());
  }
  let_go_.emplace_back(log);
}

void LogManager::on_directory_offline(DirectoryOffline listener) {
  std::lock_guard lock(state_->mutex);
  state_->told_offline = std::move(listener);
}

void LogManager::on_all_directories_offline(AllOffline listener) {
  std::lock_guard lock(state_->mutex);
  state_->told_all_offline = std::move(listener);
}

Status LogManager::open_directories() { return state_->open_directories(); }
std::string LogManager::cluster_id() const { return state_->identity.cluster_id; }
BrokerId LogManager::broker_id() const { return state_->identity.broker_id; }
Status LogManager::set_identity(BrokerId broker_id, const std::string& cluster_id) {
  return state_->set_identity({cluster_id, broker_id});
}
bool LogManager::had_clean_shutdown() const { return state_->clean; }

void LogManager::use_journal_threads(BlockingPool& threads) {
  for (const auto& journal : state_->environment->journals) journal->use_threads(threads);
}

void LogManager::set_load_options(std::size_t recovery_threads, std::int64_t producer_id_expiration_ms) {
  state_->environment->options.recovery_threads = recovery_threads;
  state_->environment->options.producer_id_expiration_ms = producer_id_expiration_ms;
}

Status LogManager::load(const ConfigForTopic& config_for_topic, const KnowsPartition& knows) {
  return state_->load(config_for_topic, knows);
}
void LogManager::set_concurrent_moves(std::size_t moves) { state_->environment->moves.set_turns(moves); }
void LogManager::set_move_rate(double bytes_per_second) { state_->environment->moves.set_rate(bytes_per_second); }
std::vector<DirectoryState> LogManager::directories() const { return state_->directory_states(); }
void LogManager::show_in(MetricsRegistry& registry) {
  state_->metrics = std::make_unique<DirectoryMetrics>(registry, state_->directory_states());
  state_->scrub_metrics = std::make_unique<ScrubMetrics>(registry);
  state_->environment->damage->show_in(registry);
  const auto& paths = state_->environment->options.directories;
  state_->cleaner_metrics = std::make_unique<CleanerMetrics>(registry, paths);
  for (std::size_t number = 0; number < paths.size(); ++number)
    state_->environment->journals[number]->show_in(std::make_unique<JournalMetrics>(registry, paths[number]));
}

bool LogManager::has_offline() const { return state_->environment->health->offline_count() > 0; }

bool LogManager::is_offline(const TopicPartition& partition) const {
  if (!has_offline()) return false;
  std::lock_guard lock(state_->mutex);
  if (state_->not_made.contains(partition)) return true;
  auto at = state_->entries.find(partition);
  return at != state_->entries.end() && at->second.offline;
}

bool LogManager::is_online(const std::string& path) const {
  for (const auto& directory : state_->directories) {
    if (directory->path() == path) return state_->is_online(*directory);
  }
  return false;
}

Result<Space> LogManager::space(const std::string& path) const { return state_->environment->files.space(path); }

void LogManager::start(Shard& home, BlockingPool& background_threads) {
  state_->resume_moves();
  const auto& options = state_->environment->options;
  auto arm_task = [&](std::int64_t interval_ms, void (State::*work)()) {
    state_->arm(home, options.initial_task_delay_ms.value_or(interval_ms), interval_ms, work);
  };
  arm_task(options.housekeeping_interval_ms, &State::keep_house);
  arm_task(options.checkpoint_interval_ms, &State::write_recovery_points_on_pool);
  arm_task(options.log_start_checkpoint_interval_ms, &State::write_log_starts_on_pool);
  state_->arm(home, options.high_watermark_checkpoint_interval_ms, options.high_watermark_checkpoint_interval_ms,
              &State::write_high_watermarks_on_pool);
  arm_task(options.retention_check_interval_ms, &State::apply_retention);
  state_->start_cleaner(home, background_threads);
  state_->scrubber = std::make_shared<Scrubber>(state_->environment, home, background_threads, options.scrub,
                                                std::move(state_->scrub_metrics));
  state_->scrubber->start();
}

void LogManager::reconfigure_cleaner(const CleanerOptions& options) {
  if (state_->cleaner != nullptr) state_->cleaner->reconfigure(options);
}

void LogManager::reconfigure_scrubber(const ScrubOptions& options) {
  if (state_->scrubber != nullptr) state_->scrubber->reconfigure(options);
}

void LogManager::stop_cleaner(Job done) {
  auto then = [state = state_, done = std::move(done)]() mutable {
    if (state->cleaner == nullptr) return done();
    state->cleaner->stop(std::move(done));
  };
  if (state_->scrubber == nullptr) return then();
  state_->scrubber->stop(std::move(then));
}

const DamageReports& LogManager::damage() const { return *state_->environment->damage; }

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
    if (!entry.failure.empty() && !entry.offline) found.emplace_back(partition, entry.failure);
  }
  return found;
}

void LogManager::get_or_create(const TopicPartition& partition, const TopicId& topic_id, const LogConfig& config,
                               CreateCompletion done, bool is_new) {
  state_->get_or_create(partition, topic_id, config, std::move(done), is_new);
}

void LogManager::remove(const TopicPartition& partition, UniqueFunction<void(Status)> done) {
  state_->remove(partition, std::move(done));
}

void LogManager::move(const TopicPartition& partition, const std::string& directory, bool expected,
                      MoveCompletion done) {
  state_->move(partition, directory, expected, std::move(done));
}

std::vector<HostedLog> LogManager::hosted_logs() const { return state_->hosted_logs(); }

Status LogManager::write_checkpoints() { return state_->write_checkpoints(); }
Status LogManager::close(BrokerEpoch broker_epoch) { return state_->close(broker_epoch); }
const LogManagerStatistics& LogManager::statistics() const { return state_->environment->statistics; }

}  // namespace millrace::log

#include "broker/log/log_manager.h"

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

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
  if (state_->cleaner != nullptr) state_->cleaner->abandon();
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

void LogManager::set_load_options(std::size_t recovery_threads, std::int64_t producer_id_expiration_ms) {
  state_->environment->options.recovery_threads = recovery_threads;
  state_->environment->options.producer_id_expiration_ms = producer_id_expiration_ms;
}

Status LogManager::load(const ConfigForTopic& config_for_topic) { return state_->load(config_for_topic); }
std::vector<DirectoryState> LogManager::directories() const { return state_->directory_states(); }
void LogManager::show_in(MetricsRegistry& registry) {
  state_->metrics = std::make_unique<DirectoryMetrics>(registry, state_->directory_states());
  state_->cleaner_metrics = std::make_unique<CleanerMetrics>(registry, state_->environment->options.directories);
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

void LogManager::start(Shard& home, BlockingPool& cleaner_threads) {
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
  state_->start_cleaner(home, cleaner_threads);
}

void LogManager::reconfigure_cleaner(const CleanerOptions& options) {
  if (state_->cleaner != nullptr) state_->cleaner->reconfigure(options);
}

void LogManager::stop_cleaner(Job done) {
  if (state_->cleaner == nullptr) return done();
  state_->cleaner->stop(std::move(done));
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

Status LogManager::write_checkpoints() { return state_->write_checkpoints(); }
Status LogManager::close(BrokerEpoch broker_epoch) { return state_->close(broker_epoch); }
const LogManagerStatistics& LogManager::statistics() const { return state_->environment->statistics; }

}  // namespace millrace::log

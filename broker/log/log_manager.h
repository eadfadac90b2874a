// All partitions that a broker has on its disks: which directories there are, whether the last stop was clean, recovery at
// start, creation and deletion, checkpoints, clean shutdown (Kafka: LogManager, LogLoader, LogDirectory).
//
// A log directory holds topic directories ("<topic>-<partition>", "…-delete", "…-future", "…-stray") and plain files:
// meta.properties, .lock, .kafka_cleanshutdown, recovery-point-offset-checkpoint, log-start-offset-checkpoint,
// replication-offset-checkpoint, cleaner-offset-checkpoint. Another directory makes the start fail with its name (lost+found is tolerated).
//
// Any thread may call the methods, unless one says otherwise; no lock is held over I/O. Completions run on the shard of
// the log that they concern.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/file.h"
#include "broker/base/random.h"
#include "broker/base/result.h"
#include "broker/base/shard.h"
#include "broker/base/types.h"
#include "broker/base/uuid.h"
#include "broker/log/directory_state.h"
#include "broker/log/log_config.h"
#include "broker/log/log_options.h"
#include "broker/log/partition_log.h"

namespace millrace {
class MetricsRegistry;
}

namespace millrace::log {

class DamageReports;  // damage.h
// Why a replica is not moved to another log directory.
enum class MoveRefusal : std::uint8_t {
  name_too_long,      // with the suffix of a copy's directory
  unknown_directory,  // none of the broker's
  offline,            // that directory, the log's own, or any other one: a copy may be there
  no_log,             // there is none yet: when it is made, it is made there
};
using MoveOutcome = tl::expected<void, MoveRefusal>;

struct HostedLog {
  std::shared_ptr<PartitionLog> log;
  std::string directory;   // one of the options'
  bool is_future = false;  // it is the copy of a log that moves there
  // Of a copy: how far it is behind the log; nullopt: that is offline.
  std::optional<std::int64_t> lag;
};

class LogManager {
 public:
  using MoveCompletion = UniqueFunction<void(MoveOutcome)>;
  // Whether the cluster has this partition here. The id is the directory's, zero when it has none.
  using KnowsPartition = std::function<bool(const TopicPartition& partition, const TopicId& topic_id)>;
  using ConfigForTopic = std::function<LogConfig(const std::string& topic)>;
  using ShardForPartition = std::function<Shard&(const TopicPartition&)>;
  using DirectoryOffline =
      std::function<void(const std::string& directory, const std::vector<TopicPartition>& partitions)>;
  using AllOffline = std::function<void(const std::string& why)>;
  using CreateCompletion = UniqueFunction<void(Result<std::shared_ptr<PartitionLog>>)>;

  // `files`, `clock`, `pool`, `random` (any thread may use it) and the shards outlive the manager.
  LogManager(const LogManagerOptions& options, FileSystem& files, const Clock& clock, BlockingPool& pool,
             Random& random, ShardForPartition shard_for_partition);
  ~LogManager();
  LogManager(const LogManager&) = delete;
  LogManager& operator=(const LogManager&) = delete;

  // Locks the directories and checks or writes meta.properties: the cluster and broker that they belong to. Blocks.
  // Errors: conflict (locked by another process; belongs to another cluster or broker: the message names both),
  // corrupt. One that its disk does not give (io, no_space, permission_denied, no directory) is offline; the last one of them is an error.
  Status open_directories();
  // After open_directories, from meta.properties. Empty and none() for new directories when the options leave them open:
  // then set_identity must be called before load.
  [[nodiscard]] std::string cluster_id() const;
  [[nodiscard]] BrokerId broker_id() const;
  Status set_identity(BrokerId broker_id, const std::string& cluster_id);
  // Whether open_directories found the clean shutdown marker in every directory. load takes them away.
  [[nodiscard]] bool had_clean_shutdown() const;

  // The journals write on these instead of the pool: each has one job at a time. Before load; they outlive the manager.
  void use_journal_threads(BlockingPool& threads);

  // Instead of what the options say. Before load.
  void set_load_options(std::size_t recovery_threads, std::int64_t producer_id_expiration_ms);
  // Loads every log, recovering where the last stop was not clean. Blocks; the work is spread over the pool and the caller.
  // Directories of partitions that are not known are renamed to "…-stray" and left alone; without `knows`, none is.
  Status load(const ConfigForTopic& config_for_topic, const KnowsPartition& knows = nullptr);
  // Each of the options' directories: whether it serves, how far its load has come.
  [[nodiscard]] std::vector<DirectoryState> directories() const;
  // Before open_directories: what directories() says is shown as gauges, too. `registry` outlives the manager.
  void show_in(MetricsRegistry& registry);

  // A directory whose disk fails in any call is offline from then on: its logs are not found any more, what they are asked is answered with
  // `storage`, nothing is written into it. `listener` hears of each once, with the partitions that were in it, on the thread that met
  // the failure: it must not block. nullptr: nobody listens any more.
  void on_directory_offline(DirectoryOffline listener);
  // No directory is left, after the load. The same thread; it may end the process.
  void on_all_directories_offline(AllOffline listener);

  // How many replicas copy at the same time when they move between directories; before load. How many bytes of all of them in a
  // second; any time.
  void set_concurrent_moves(std::size_t moves);
  void set_move_rate(double bytes_per_second);

  // Goes on with the moves that the last process has begun. Arms the periodic work (checkpoints, flush.ms, producer expiry,
  // retention) on `home`, and compaction and scrubbing, which read and write on `background_threads`. Called on that shard, once.
  // The threads outlive the manager.
  void start(Shard& home, BlockingPool& background_threads);
  // On `home`, after start. Nothing where the options have no cleaner.
  void reconfigure_cleaner(const CleanerOptions& options);
  // On `home`, after start.
  void reconfigure_scrubber(const ScrubOptions& options);
  // On `home`. What is being compacted and scrubbed ends soon, and `done` runs when nothing is any more: to be waited for before close().
  void stop_cleaner(Job done);

  // All logs that are loaded and not being deleted.
  [[nodiscard]] std::vector<std::shared_ptr<PartitionLog>> logs() const;
  [[nodiscard]] std::shared_ptr<PartitionLog> find(const TopicPartition& partition) const;  // null when there is none

  // These and the copies of those that move between directories, each with where it is.
  [[nodiscard]] std::vector<HostedLog> hosted_logs() const;

  // Partitions whose directory could not be loaded, with the reason. They are not served and their files are left as they are.
  [[nodiscard]] std::vector<std::pair<TopicPartition, std::string>> unusable() const;

  // Its log is, or may be, in a directory that is offline.
  [[nodiscard]] bool is_offline(const TopicPartition& partition) const;
  // Whether is_offline may be true of any.
  [[nodiscard]] bool has_offline() const;
  // `path` is one of the options' directories, and serves.
  [[nodiscard]] bool is_online(const std::string& path) const;
  // Of its volume. Blocks.
  [[nodiscard]] Result<Space> space(const std::string& path) const;

  // The log of `partition`, made when absent; a directory without a topic id gets this one. ErrorKind::conflict when one is there with another topic id,
  // corrupt for one of unusable(), unavailable when it is, or may be, in a directory that is offline: one that is not `is_new` to this broker
  // is not made while any is.
  void get_or_create(const TopicPartition& partition, const TopicId& topic_id, const LogConfig& config,
                     CreateCompletion done, bool is_new = true);
  // Renames the directory to "…-delete" and answers; the files go after file.delete.delay.ms. not_found when there is none,
  // unavailable when its directory is offline.
  void remove(const TopicPartition& partition, UniqueFunction<void(Status)> done);

  // Begins to move the log to the directory of this absolute path, and answers, on its shard; a move to another one ends. Where it is
  // already, or moves already, nothing is done but that (KIP-113). `expected`: the cluster has the partition, so that its log may
  // be made yet.
  void move(const TopicPartition& partition, const std::string& directory, bool expected, MoveCompletion done);

  // Writes the checkpoint files now. Blocks.
  Status write_checkpoints();

  // Clean shutdown: closes every log, writes checkpoints and the clean shutdown markers, gives up the locks. Blocks. The shards
  // have stopped, so that the caller owns what they owned. A log that cannot be closed leaves its directory without a marker.
  Status close(BrokerEpoch broker_epoch);

  [[nodiscard]] const LogManagerStatistics& statistics() const;
  [[nodiscard]] const DamageReports& damage() const;  // of all logs

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace millrace::log

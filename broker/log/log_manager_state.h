// The inside of LogManager, shared by the files that implement it: log_manager.cpp (what there is), log_manager_load.cpp (the start),
// log_manager_entries.cpp (logs that come and go), log_manager_checkpoints.cpp (what is written down while it runs and at its end),
// log_manager_offline.cpp (directories that fail), log_manager_moves.cpp (logs that move between directories), log_manager_journal.cpp (the
// journals of directories).
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/base/logging.h"
#include "broker/log/directory_metrics.h"
#include "broker/log/journal_replay.h"
#include "broker/log/log_cleaner.h"
#include "broker/log/log_directory.h"
#include "broker/log/log_environment.h"
#include "broker/log/log_manager.h"
#include "broker/log/managed_directory.h"
#include "broker/log/replica_move.h"
#include "broker/log/scrubber.h"

namespace millrace::log {

inline constexpr Logger manager_logger{"log"};

// The map of logs is under a mutex that is never held over I/O or a completion. An entry is `busy` while its directory is
// made or renamed; who comes meanwhile waits in `waiting` and is served afterwards, in order.
class LogManager::State : public std::enable_shared_from_this<LogManager::State> {
 public:
  struct Entry {
    std::shared_ptr<PartitionLog> log;
    ManagedDirectory* directory = nullptr;
    bool busy = false;
    bool offline = false;            // with its directory, until the next start
    std::string failure;             // why the log could not be loaded, or is offline
    CheckpointedOffsets checkpoint;  // of a log that could not be loaded
    std::vector<Job> waiting;

    // While it moves to another directory (log_manager_moves.cpp).
    ManagedDirectory* copy_directory = nullptr;  // set: a copy is there, or is being made
    std::shared_ptr<PartitionLog> copy;
    std::shared_ptr<ReplicaMove> move;
    bool swapping = false;        // the directories are being renamed: which is the log's is not known
    bool move_is_over = false;    // it has arrived or been given up; what it leaves behind is being tidied up
    Offset end_at_load{0};        // of the log, when a copy was found with it
    std::vector<Job> after_move;  // who waits for its end
  };
  struct LoadJob {
    ManagedDirectory* directory;
    PartitionDirectory found;
    CheckpointedOffsets checkpoint;

    [[nodiscard]] std::string path() const { return directory->path() + "/" + found.name; }
  };
  // Of a directory whose partition the cluster does not know.
  struct Stray {
    TopicPartition partition;
    TopicId topic_id;  // zero: not known
  };
  using Strays = std::map<const ManagedDirectory*, std::vector<Stray>>;
  struct FoundLogs {
    std::vector<LoadJob> jobs;
    std::map<TopicPartition, std::size_t> logs;  // among the jobs
    std::set<TopicPartition> copies;
    Strays strays;
  };
  using Replays = std::vector<std::unique_ptr<JournalReplay>>;  // of each directory; null: none

  State(const LogManagerOptions& options, FileSystem& files, const Clock& clock, BlockingPool& pool, Random& random,
        ShardForPartition shards)
      : environment(std::make_shared<LogEnvironment>(options, files, clock, pool, random)),
        shard_for_partition(std::move(shards)) {
    for (const auto& path : environment->options.directories)
      directories.push_back(std::make_unique<ManagedDirectory>(environment->files, path, directories.size()));
  }
  void abandon();  // with the manager
  // Under the mutex. A log that no entry has any more may still wait for its disk, and hold itself until that answers.
  void let_go(const std::shared_ptr<PartitionLog>& log);
  void make_journals();  // before anything else is done with it

  Status open_directories();
  Status set_identity(const MetaProperties& wanted);
  Status load(const ConfigForTopic& config_for_topic, const KnowsPartition& knows);
  void get_or_create(const TopicPartition& partition, const TopicId& topic_id, const LogConfig& config,
                     CreateCompletion done, bool is_new);
  void remove(const TopicPartition& partition, UniqueFunction<void(Status)> done);
  void move(const TopicPartition& partition, const std::string& path, bool expected, MoveCompletion done);
  [[nodiscard]] std::vector<HostedLog> hosted_logs() const;
  void resume_moves();
  Status close(BrokerEpoch broker_epoch);

  // log_manager_offline.cpp
  [[nodiscard]] DirectoryState state_of(const ManagedDirectory& directory) const;
  [[nodiscard]] std::vector<DirectoryState> directory_states() const;
  void show(const ManagedDirectory& directory);
  void directory_failed(std::size_t number, const Error& why);
  [[nodiscard]] bool is_online(const ManagedDirectory& directory) const {
    return environment->health->is_online(directory.number());
  }
  [[nodiscard]] bool all_offline() const { return environment->health->offline_count() == directories.size(); }
  [[nodiscard]] Error all_offline_error() const;

  // log_manager_journal.cpp
  [[nodiscard]] std::string journal_path(std::size_t number) const;
  // What the directories' journals have for their logs; those that cannot be used take their directory offline.
  Result<Replays> read_journals();
  // The logs have what there was: the journals are emptied and begin.
  Status begin_journals(Replays& replays, const Strays& strays);
  Status empty_journal(const ManagedDirectory& directory);

  DirectoryCheckpoints checkpoints_of(const ManagedDirectory& directory) const;
  Status write_checkpoints();
  Status write_checkpoints_of(const std::string& path);  // of the directory that it is in
  Status write_cleaner_checkpoint(const PartitionLog& log);
  void start_cleaner(Shard& home, BlockingPool& threads);
  void arm(Shard& home, std::int64_t delay_ms, std::int64_t interval_ms, void (State::*work)());
  // On the shard of each log, a bounded number of them in one turn.
  static void post_to_logs(std::vector<std::shared_ptr<PartitionLog>> logs,
                           const std::function<void(PartitionLog&)>& work);
  void apply_retention() { apply_retention_to(false); }
  void apply_retention_to(bool compacted);
  void keep_house();
  void write_recovery_points_on_pool();
  void write_log_starts_on_pool();
  void write_high_watermarks_on_pool();
  std::vector<std::shared_ptr<PartitionLog>> logs() const;

  std::shared_ptr<LogEnvironment> environment;
  ShardForPartition shard_for_partition;
  std::vector<std::unique_ptr<ManagedDirectory>> directories;
  std::unique_ptr<DirectoryMetrics> metrics;        // set before the directories are opened
  std::unique_ptr<CleanerMetrics> cleaner_metrics;  // the cleaner's, once it is started
  std::shared_ptr<LogCleaner> cleaner;              // on its home shard; null without one
  std::unique_ptr<ScrubMetrics> scrub_metrics;      // the scrubber's, once it is started
  std::shared_ptr<Scrubber> scrubber;               // on its home shard, from the start on
  MetaProperties identity;
  bool clean = false;   // all directories had their marker
  bool loaded = false;  // under the mutex, as what follows
  DirectoryOffline told_offline;
  std::set<TopicPartition> not_made;  // because a directory is offline that may have them
  std::map<TopicPartition, ManagedDirectory*>
      preferred;  // where logs are to be made that were moved before they were there
  AllOffline told_all_offline;
  mutable std::mutex mutex;
  std::map<TopicPartition, Entry> entries;

 private:
  Result<FoundLogs> find_logs(const KnowsPartition& knows);
  Status check_identity(const ManagedDirectory& directory, MetaProperties& wanted) const;
  Status find_logs_in(ManagedDirectory& directory, const KnowsPartition& knows, FoundLogs& found);
  Result<bool> set_aside_if_stray(const ManagedDirectory& directory, const PartitionDirectory& found,
                                  const KnowsPartition& knows, Strays& strays);
  Status choose(LoadJob& known, LoadJob other);
  void forget_takeovers(const std::vector<LoadJob>& jobs);
  void load_copy(const LoadJob& job, const LogConfig& config);
  void tell_progress(const ManagedDirectory& directory);
  void load_one(const LoadJob& job, const LogConfig& config, const JournalReplay* journal);
  [[nodiscard]] JournalOwner journal_owner(const ManagedDirectory& directory) const;
  Result<std::unique_ptr<JournalReplay>> read_journal(const ManagedDirectory& directory);
  Status finish_replay(const ManagedDirectory& directory, JournalReplay& replay, const Strays& strays);
  void create(const TopicPartition& partition, const TopicId& topic_id, const LogConfig& config,
              ManagedDirectory& directory, CreateCompletion done);
  void rename_and_remove(const TopicPartition& partition, std::int64_t delete_delay_ms,
                         UniqueFunction<void(Status)> done);
  void remove_later(Shard& shard, std::int64_t delay_ms, std::string path);
  ManagedDirectory* emptiest_directory();  // of those that are online; null when none is
  ManagedDirectory* directory_for(const TopicPartition& partition);
  ManagedDirectory& make_directory(const TopicPartition& partition, ManagedDirectory& first);
  std::vector<Job> finish_creation(const TopicPartition& partition, ManagedDirectory& home,
                                   Result<std::shared_ptr<PartitionLog>>& result);
  // Under the mutex. The log, if there is one, has yet to be told.
  std::shared_ptr<PartitionLog> mark_offline(Entry& entry);
  void remove_files(const std::string& path);

  // log_manager_moves.cpp
  [[nodiscard]] ManagedDirectory* directory_named(const std::string& path) const;
  Result<std::unique_ptr<LoadedLog>> make_copy(const PartitionLog& log, const LogConfig& config,
                                               const ManagedDirectory& directory);
  void copy_made(const std::shared_ptr<PartitionLog>& log, ManagedDirectory& directory,
                 Result<std::unique_ptr<LoadedLog>> made, MoveCompletion done);
  void begin_move(const std::shared_ptr<PartitionLog>& log, std::shared_ptr<PartitionLog> copy,
                  std::optional<Offset> end_at_load);
  void cancel_move(const Entry& entry) const;
  void move_ended(const TopicPartition& partition, const Status& status);
  void remove_copy(const PartitionLog& copy, const ManagedDirectory& directory);
  void forget_copy(const TopicPartition& partition);
  Result<std::string> swap_directories(const TopicPartition& partition, const std::string& copy_path);
  Status take_name(const std::string& old_path, const std::string& copy_path, const std::string& path,
                   ManagedDirectory& to);
  void keep_name(const ManagedDirectory& from, const std::string& old_path, const Error& why);
  void give_up_name(const TopicPartition& partition, ManagedDirectory& from, const std::string& path,
                    std::int64_t delete_delay_ms);
  void finish_swap(const TopicPartition& partition);
  void note_copies();

  void serve_waiting(std::vector<Job> waiting) const;

  void write_on_pool(std::string_view name, PartitionOffsets DirectoryCheckpoints::* which, ChangedNumbers& numbers,
                     std::atomic<bool> State::* writing);

  static constexpr std::size_t least_let_go = 64;
  std::vector<std::weak_ptr<PartitionLog>> let_go_;  // under the mutex
  std::size_t most_let_go_ = least_let_go;           // then those that have gone are left out; under the mutex
  std::mutex shown_mutex_;                           // what is computed later is shown later
  MonotonicTime next_progress_line_{};               // under the mutex
  std::atomic<bool> writing_recovery_points_{false};
  std::atomic<bool> writing_log_starts_{false};
  std::atomic<bool> writing_high_watermarks_{false};
};

}  // namespace millrace::log

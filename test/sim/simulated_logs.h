// A broker's logs as one process on a simulated machine: a log manager with its shards, pool and cleaner threads, by
// the scheduler.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/log/log_manager.h"
#include "test/sim/simulated_disk.h"
#include "test/sim/simulated_files.h"
#include "test/sim/simulated_scheduler.h"
#include "test/sim/simulated_shards.h"

namespace millrace::sim {

class SimulatedLogs {
 public:
  struct Settings {
    log::LogManagerOptions options;
    log::LogManager::ConfigForTopic config_for_topic;
    // What stands between the log manager and the files of its process; null: nothing.
    std::function<std::unique_ptr<FileSystem>(FileSystem&)> decorate = {};
  };

  // All of them outlive it.
  SimulatedLogs(SimulatedDisk& disk, SimulatedScheduler& scheduler, const Settings& settings);
  ~SimulatedLogs() { kill(); }

  // A process starts and loads what is there. `with_timers`: and does what it does by itself, compaction too.
  Status start(bool with_timers);
  [[nodiscard]] bool is_running() const { return manager_ != nullptr; }
  // It ends where it is.
  void kill();
  Status stop();

  [[nodiscard]] log::LogManager& manager() { return *manager_; }
  [[nodiscard]] SimulatedShards& shards() { return *shards_; }
  [[nodiscard]] SimulatedFiles& files() { return *files_; }
  [[nodiscard]] Shard& shard_of(const TopicPartition& partition);

  // Everything from the log's start to its end. From outside of the jobs.
  Result<std::vector<std::uint8_t>> read_all(log::PartitionLog& log);
  // With the aborted transactions of all of it.
  Result<std::vector<log::AbortedTransaction>> aborted(log::PartitionLog& log);

 private:
  log::ReadOutcome read(log::PartitionLog& log, const log::ReadRequest& request);

  SimulatedDisk& disk_;
  SimulatedScheduler& scheduler_;
  const Settings& settings_;
  SeededRandom random_{7};
  std::unique_ptr<SimulatedFiles> files_;
  std::unique_ptr<FileSystem> decorated_;
  std::unique_ptr<SimulatedShards> shards_;
  std::unique_ptr<log::LogManager> manager_;
};

}  // namespace millrace::sim

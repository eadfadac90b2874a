// A workload over several logs in two log directories on several shards: appends (plain, idempotent, transactional),
// rolls, retention, DeleteRecords, compaction by the log cleaner, truncations, topics that come and go, checkpoints,
// synced mode, moves between the directories, kills and clean stops. One seed is one run, change of the disk by change.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "test/sim/crashed_logs.h"
#include "test/sim/disk_times.h"
#include "test/sim/log_ledger.h"
#include "test/sim/simulated_logs.h"

namespace millrace::sim {

class CrashWorkload {
 public:
  struct Settings {
    int lives = 3;
    int steps = 60;     // of each life
    bool moves = true;  // logs move between the directories
    std::function<std::unique_ptr<FileSystem>(FileSystem&)> decorate = {};
    bool acknowledged_early = false;  // a bug: an append of synced mode is, when it is written
  };

  CrashWorkload(std::uint64_t seed, const Settings& settings);
  ~CrashWorkload();

  // Before each change of the disk; what it finds ends the run.
  std::function<std::string()> before_change;

  // What was found wrong; empty: nothing.
  std::string run();
  // A life only as far as its steps; the process runs on.
  std::string run_one_life();
  void kill();

  [[nodiscard]] SimulatedDisk& disk() { return disk_; }
  [[nodiscard]] SimulatedLogs& logs() { return logs_; }
  [[nodiscard]] SimulatedScheduler& scheduler() { return scheduler_; }
  [[nodiscard]] const Ledgers& ledgers() const { return ledgers_; }
  [[nodiscard]] const SimulatedLogs::Settings& settings() const { return log_settings_; }
  [[nodiscard]] std::uint64_t appended() const { return appended_; }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }
  // Moves between the directories that came to their end.
  [[nodiscard]] std::uint64_t swaps() const { return swaps_; }
  // How often the scrubber wrote down how far it is: at the end of each pass at least.
  [[nodiscard]] std::uint64_t scrubs() const { return scrubs_; }

 private:
  static log::LogManagerOptions options();
  log::LogConfig config_for(const std::string& topic) const;
  void make(const std::string& topic, std::int32_t partition);
  std::string start();
  std::string settle();
  void take_step();
  // On the log's shard.
  void on_shard(LogLedger& ledger, std::function<void(LogLedger&, log::PartitionLog&)> work);
  void append(LogLedger& ledger, log::PartitionLog& log);
  void send(LogLedger& ledger, log::PartitionLog& log, std::vector<std::uint8_t> bytes, log::AppendOrigin origin);
  void truncate(LogLedger& ledger, log::PartitionLog& log);
  void flush(LogLedger& ledger, log::PartitionLog& log);
  void remove(LogLedger& ledger);
  void move(LogLedger& ledger);
  void end_life();
  std::string found_damage();

  const std::uint64_t seed_;
  const Settings settings_;
  SeededRandom chance_;
  SeededRandom disk_chance_;
  SimulatedScheduler scheduler_;
  SimulatedDisk disk_;
  DiskTimes times_;
  SimulatedLogs::Settings log_settings_;
  SimulatedLogs logs_{disk_, scheduler_, log_settings_};
  Ledgers ledgers_;
  std::string wrong_;
  std::uint64_t appended_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t swaps_ = 0;
  std::uint64_t scrubs_ = 0;
};

}  // namespace millrace::sim

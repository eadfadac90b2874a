// Logs with flush.messages=1 on one directory with a small journal.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/log/journal_files.h"
#include "broker/log/journal_replay.h"
#include "broker/log/log_directory.h"
#include "test/broker/log/fault_file_system.h"
#include "test/broker/log/log_world.h"

namespace millrace::log::test {

inline LogConfig synced_config() {
  LogConfig config;
  config.flush_messages = 1;
  return config;
}

class SyncedWorld : public LogWorld {
 public:
  explicit SyncedWorld(LogConfig topic_config = synced_config()) : LogWorld(topic_config) {}
  SyncedWorld(LogConfig topic_config, FileSystem& files) : LogWorld(topic_config, files) {}

  // One that is answered later, by run().
  struct Asked {
    Bytes bytes;
    std::optional<AppendOutcome> outcome;
  };
  std::shared_ptr<Asked> ask(const std::string& topic, BatchSpec spec) {
    auto asked = std::make_shared<Asked>();
    asked->bytes = make_batch(spec);
    log(topic)->append({asked->bytes, AppendOrigin::client, leader_epoch, shard.clock().wall_clock()},
                       [asked](AppendOutcome outcome) { asked->outcome = std::move(outcome); });
    return asked;
  }
  // The topic is deleted, its files, too, and the broker killed.
  void remove_and_kill() {
    std::optional<Status> removed;
    manager->remove({"events", PartitionIndex(0)}, [&](Status status) { removed = std::move(status); });
    shard.run();
    EXPECT_TRUE(removed && *removed);
    shard.advance(std::chrono::minutes(2));
    kill();
  }
  AppendOutcome add(const std::string& topic, const std::vector<std::string>& values) {
    return append(make_batch({.values = values}), AppendOrigin::client, topic);
  }
  std::vector<std::string> values(const std::string& topic = "events") {
    std::vector<std::string> found;
    for (auto& record : read_all(Offset(0), 1 << 20, topic)) found.push_back(std::move(record.value));
    return found;
  }

  [[nodiscard]] std::string journal_path() const { return data_path() + ".journal"; }
  [[nodiscard]] std::string journal_file(std::size_t number) const {
    return journal_path() + "/" + journal_file_name(number);
  }
  [[nodiscard]] std::string segment(const std::string& topic = "events", std::int64_t base = 0) const {
    return partition_path(topic) + "/" + segment_file_name(Offset(base), log_suffix);
  }
  // What a loss of power takes from the end of a file.
  static void cut(const std::string& path, std::uint64_t size_bytes) {
    auto file = posix_file_system().open(path, OpenMode::read_write);
    ASSERT_TRUE(file.has_value()) << file.error().message;
    ASSERT_TRUE((*file)->truncate(size_bytes));
  }
};

inline bool is_in_journal(const std::string& path) { return path.find(".journal/") != std::string::npos; }

}  // namespace millrace::log::test

// Logs that are compacted while they are served: what is written is remembered, and what must still be there is known.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "test/broker/log/log_world.h"

namespace millrace::log::test {

inline LogConfig compacted_config() {
  LogConfig config;
  config.compacted = true;
  config.deleted_by_age_or_size = false;
  config.segment_bytes = 1000;
  config.index_interval_bytes = 100;
  config.segment_index_bytes = 4096;
  return config;
}

// Threads that work when they are told to.
class HeldThreads final : public BlockingPool {
 public:
  void submit(Job work) override { jobs_.push_back(std::move(work)); }
  bool run_one() {
    if (jobs_.empty()) return false;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    job();
    return true;
  }

 private:
  std::deque<Job> jobs_;
};

class CleanedWorld {
 public:
  static constexpr int keys = 11;

  explicit CleanedWorld(LogConfig config = compacted_config()) : world(config) { world.options.tail_window_bytes = 0; }
  CleanedWorld(LogConfig config, FileSystem& files) : world(config, files) { world.options.tail_window_bytes = 0; }

  // Batches of three records with few keys.
  void write(int batches, const std::string& topic = "events") {
    auto& written = written_[topic];
    for (int number = 0; number < batches; ++number) {
      protocol::RecordBatchBuilder builder({});
      for (int record = 0; record < 3; ++record) {
        const auto key = "key" + std::to_string((written * 7 + record * 3) % keys);
        const auto value = value_at(written * 3 + record);
        builder.append(world.shard.clock().wall_clock(), as_bytes(key), as_bytes(value));
        newest[topic][key] = written * 3 + record;
      }
      ++written;
      ASSERT_TRUE(world.append(*builder.build(), AppendOrigin::client, topic));
    }
    publish(topic);
  }
  static std::string value_at(std::int64_t offset) { return "value" + std::to_string(offset); }

  // Nobody replicates here: all that is in the log is stable.
  void publish(const std::string& topic = "events") {
    world.log(topic)->publish_high_watermark(world.log(topic)->log_end_offset());
  }
  void flush() {
    world.log()->flush([](const Status&) {});
    world.shard.run();
  }
  void start_cleaner() {
    world.manager->start(world.shard, world.shard.pool());
    world.shard.run();
  }
  // On threads that wait for run_threads.
  void start_held_cleaner() {
    world.manager->start(world.shard, threads);
    world.shard.run();
  }
  // One piece of work, and what follows from it on the shard. False: there was none.
  bool run_threads() {
    const bool ran = threads.run_one();
    world.shard.run();
    return ran;
  }
  bool stop_cleaner() {
    bool stopped = false;
    world.manager->stop_cleaner([&] { stopped = true; });
    world.shard.run();
    return stopped;
  }
  [[nodiscard]] Offset cleaned_to(const std::string& topic = "events") {
    return Offset(world.log(topic)->published().cleaned_to.load());
  }

  // The newest record of each key that was written below `end` is there, once, and whatever is there was once written
  // there. Returns how many there are.
  std::size_t check(std::int64_t end, const std::string& topic = "events") {
    std::set<std::int64_t> found;
    std::int64_t last = -1;
    for (const auto& record : world.read_all(world.log(topic)->log_start_offset(), 1 << 20, topic)) {
      EXPECT_GT(record.offset.value(), last);
      last = record.offset.value();
      found.insert(last);
      EXPECT_EQ(record.value, value_at(last));
    }
    for (const auto& [key, offset] : newest[topic]) {
      if (offset < end && !found.contains(offset)) ADD_FAILURE() << key << " at " << offset << " is lost";
    }
    return found.size();
  }
  // Of each key no more than one record lies below `end`.
  void expect_no_duplicates_below(std::int64_t end, const std::string& topic = "events") {
    std::set<std::int64_t> seen;
    for (const auto& record : world.read_all(Offset(0), 1 << 20, topic)) {
      const auto offset = record.offset.value();
      if (offset >= end) break;
      EXPECT_TRUE(seen.insert((offset / 3 * 7 + offset % 3 * 3) % keys).second) << "another record at " << offset;
    }
  }

  std::string checkpoint(FileSystem& files = posix_file_system()) {
    return files.read_text(world.data_path() + "/cleaner-offset-checkpoint", 10'000).value_or("none");
  }
  std::vector<std::string> names(std::string_view suffix) {
    std::vector<std::string> found;
    for (auto& name : names_in(world.partition_path())) {
      if (name.ends_with(suffix)) found.push_back(name);
    }
    return found;
  }

  HeldThreads threads;
  LogWorld world;
  std::map<std::string, std::map<std::string, std::int64_t>> newest;  // offsets, by topic and key

 private:
  std::map<std::string, std::int64_t> written_;
};

}  // namespace millrace::log::test

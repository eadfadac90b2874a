// Segments that leave the disk while something else of their log is on the pool, in every order that the test wants.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/logging.h"
#include "broker/log/checkpoint_file.h"
#include "test/broker/log/chosen_jobs.h"
#include "test/broker/log/failing_files.h"
#include "test/broker/log/log_world.h"

namespace millrace::log::test {
namespace {

constexpr TimestampMs noon{1'700'000'000'000};
constexpr TimestampMs later = noon + 1'000'000;

struct RetiredSegmentsOfALog : testing::Test {
  void SetUp() override {
    set_log_level(LogLevel::off);
    options.directories = {directory.path()};
    options.cluster_id = "1gdzRcRMRMyxOSdkj0JfkA";
    options.broker_id = BrokerId(7);
    options.tail_window_bytes = 0;
    config.segment_bytes = static_cast<std::int32_t>(batch(0).size() * 2);
    config.retention_ms = 1000;
    config.file_delete_delay_ms = 0;
    shard.inner.manual_clock().set_wall_clock(noon);
    start();
    fill();
  }
  void TearDown() override {
    run_all();
    set_log_level(LogLevel::info);
  }

  static Bytes batch(int number) {
    return make_batch({.values = {"value" + std::to_string(1000 + number)}, .timestamp = noon + number});
  }
  void start() {
    manager = std::make_unique<LogManager>(options, files, shard.clock(), shard.inner.pool(), random,
                                           [this](const TopicPartition&) -> Shard& { return shard; });
    ASSERT_TRUE(manager->open_directories());
    ASSERT_TRUE(manager->load([this](const auto&) { return config; }));
    log = manager->find(partition);
    if (log != nullptr) return;
    manager->get_or_create(partition, TopicId{{1}}, config, [&](auto result) { log = *result; });
    run_all();
  }
  void kill() {
    shard.chosen.jobs.clear();
    log.reset();
    manager.reset();
    shard.inner.run();
  }
  // Nine batches in five segments, all of them on the disk.
  void fill() {
    for (int number = 0; number < 9; ++number) {
      auto bytes = batch(number);
      log->append({bytes, AppendOrigin::client, LeaderEpoch(3), noon},
                  [](const AppendOutcome& outcome) { EXPECT_TRUE(outcome); });
      run_all();
    }
    log->publish_high_watermark(log->log_end_offset());
  }
  void run_all() {
    do {
      shard.inner.run();
      if (!shard.chosen.jobs.empty()) shard.chosen.run(0);
    } while (!shard.chosen.jobs.empty() || shard.inner.run() > 0);
  }
  // All but the first job of the pool, and what follows from them.
  void run_all_but_the_first() {
    for (int idle = 0; idle < 3; ++idle) {
      shard.inner.advance(std::chrono::milliseconds(1));
      if (shard.chosen.jobs.size() <= 1) continue;
      shard.chosen.run(1);
      idle = 0;
    }
  }
  [[nodiscard]] std::size_t count(std::string_view suffix) const {
    const auto names = names_in(directory.path() + "/events-0");
    return static_cast<std::size_t>(
        std::ranges::count_if(names, [&](const auto& name) { return name.ends_with(suffix); }));
  }
  std::optional<Offset> checkpointed_start() {
    EXPECT_TRUE(manager->write_checkpoints());
    auto starts = read_offset_checkpoint(files, directory.path() + "/" + std::string(log_start_checkpoint_name));
    EXPECT_TRUE(starts);
    auto at = starts->find(partition);
    return at == starts->end() ? std::nullopt : std::optional(at->second);
  }

  const TopicPartition partition{"events", PartitionIndex(0)};
  TemporaryDirectory directory;
  FailingFileSystem files;
  ChosenShard shard;
  SeededRandom random{1};
  LogManagerOptions options;
  LogConfig config;
  std::unique_ptr<LogManager> manager;
  std::shared_ptr<PartitionLog> log;
};

TEST_F(RetiredSegmentsOfALog, GoOnceWhenRetentionWasAskedForTwiceWhileSomethingHeldItBack) {
  bool truncated = false;
  log->truncate_to(log->log_end_offset(), [&](const Status& status) { truncated = status.has_value(); });
  EXPECT_EQ(log->apply_retention(later), 0U);
  EXPECT_EQ(log->apply_retention(later), 0U);
  EXPECT_EQ(log->log_start_offset(), Offset(0));
  run_all();
  EXPECT_TRUE(truncated);
  EXPECT_EQ(log->log_start_offset(), Offset(9));
  log->truncate_to(log->log_end_offset(), [](const Status&) {});
  EXPECT_EQ(log->apply_retention(later), 0U) << "another one may be held";
  run_all();
}

TEST_F(RetiredSegmentsOfALog, StayUntilTheFlushThatHasThemIsDone) {
  std::optional<bool> flushed;
  log->flush([&](const Status& status) { flushed = status.has_value(); });
  ASSERT_EQ(shard.chosen.jobs.size(), 1U);
  EXPECT_EQ(log->apply_retention(later), 5U);
  run_all_but_the_first();
  ASSERT_FALSE(flushed);
  run_all();
  EXPECT_EQ(flushed, true);
  shard.inner.advance(std::chrono::milliseconds(1));
  run_all();
  EXPECT_EQ(count(".log"), 1U);
  EXPECT_EQ(count(".deleted"), 0U);
  bool appended = false;
  auto bytes = batch(9);
  log->append({bytes, AppendOrigin::client, LeaderEpoch(3), noon},
              [&](const AppendOutcome& outcome) { appended = outcome.has_value(); });
  EXPECT_TRUE(appended);
}

TEST_F(RetiredSegmentsOfALog, LeaveTheLogsStartInItsCheckpointUntilTheirFilesHaveGone) {
  EXPECT_EQ(log->apply_retention(later), 5U);
  EXPECT_EQ(log->log_start_offset(), Offset(9));
  EXPECT_EQ(checkpointed_start(), Offset(9)) << "the files of all segments are there";
  kill();
  start();
  EXPECT_EQ(log->log_start_offset(), Offset(9));
  log->publish_high_watermark(log->log_end_offset());
  log->apply_retention(later);
  run_all();
  EXPECT_EQ(checkpointed_start(), std::nullopt) << "the name of the first segment says it";
}

TEST_F(RetiredSegmentsOfALog, AreTriedAgainWhenTheyCouldNotBeTakenAway) {
  log->flush([](const Status&) {});
  run_all();
  files.calls->fault = [](std::string_view call, const std::string&) {
    return call == "sync_directory" ? std::optional(ErrorKind::resource_exhausted) : std::nullopt;
  };
  EXPECT_EQ(log->apply_retention(later), 5U);
  run_all();
  files.calls->fault = nullptr;
  EXPECT_EQ(log->published().first_segment_offset, 0) << "a start may find it";
  shard.inner.advance(std::chrono::milliseconds(9'999));
  EXPECT_TRUE(shard.chosen.jobs.empty());
  shard.inner.advance(std::chrono::milliseconds(1));
  run_all();
  EXPECT_EQ(log->published().first_segment_offset, 9);
  shard.inner.advance(std::chrono::milliseconds(1));
  run_all();
  EXPECT_EQ(count(".deleted"), 0U);
  EXPECT_EQ(count(".log"), 1U);
}

TEST_F(RetiredSegmentsOfALog, AnswerOutOfRangeToReadsThatFindThemGone) {
  options.max_open_files = 1;
  kill();
  start();
  log->publish_high_watermark(log->log_end_offset());
  std::optional<ReadOutcome> outcome;
  log->read({Offset(0), Offset(9), 1000, true}, [&](ReadOutcome got) { outcome = std::move(got); });
  ASSERT_EQ(shard.chosen.jobs.size(), 1U) << "it is cold";
  EXPECT_EQ(log->apply_retention(later), 5U);
  run_all_but_the_first();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(count(".deleted"), 0U);
  EXPECT_EQ(count(".log"), 1U) << "the file that it is about to open has gone";
  run_all();
  ASSERT_TRUE(outcome);
  ASSERT_FALSE(*outcome);
  EXPECT_EQ(outcome->error().kind, ReadErrorKind::offset_out_of_range);
}

}  // namespace
}  // namespace millrace::log::test

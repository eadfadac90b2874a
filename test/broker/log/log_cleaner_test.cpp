// Compaction of logs that are served: who is compacted when, what stays, what the checkpoint says, and what ends a
// pass.
#include "broker/log/log_cleaner.h"

#include <gtest/gtest.h>

#include "broker/base/logging.h"
#include "broker/base/metrics.h"
#include "test/broker/log/cleaned_world.h"
#include "test/broker/log/failing_files.h"

namespace millrace::log::test {
namespace {

struct LogCleanerTest : testing::Test {
  void SetUp() override { set_log_level(LogLevel::fatal); }
  void TearDown() override { set_log_level(LogLevel::info); }

  void start(LogConfig config = compacted_config()) {
    cleaned = std::make_unique<CleanedWorld>(config);
    cleaned->world.shard.manual_clock().set_wall_clock(TimestampMs(1'700'000'000'000));
    ASSERT_TRUE(start_again());
  }
  Status start_again() { return cleaned->world.start(); }
  // A pass that has put the first group of segments into the log, and waits for its thread.
  void stop_in_a_pass() {
    cleaned->start_held_cleaner();
    ASSERT_EQ(cleaned->cleaned_to(), Offset(0));
    const auto size = world().log()->size_bytes();
    while (world().log()->size_bytes() == size) ASSERT_TRUE(cleaned->run_threads());
    ASSERT_EQ(cleaned->cleaned_to(), Offset(0));
  }
  // Until nothing is left to do.
  void run_threads() {
    while (cleaned->run_threads()) {
    }
  }
  LogWorld& world() { return cleaned->world; }
  void advance(Duration duration) { world().shard.advance(duration); }

  std::unique_ptr<CleanedWorld> cleaned;
};

TEST_F(LogCleanerTest, LeavesTheNewestRecordOfEachKeyBelowTheActiveSegment) {
  start();
  cleaned->write(60);
  const auto size = world().log()->size_bytes();
  cleaned->start_cleaner();
  EXPECT_LT(world().log()->size_bytes(), size / 2);
  const auto cleaned_to = cleaned->cleaned_to();
  EXPECT_GT(cleaned_to, Offset(150));
  EXPECT_LT(cleaned->check(180), 60U);
  cleaned->expect_no_duplicates_below(cleaned_to.value());

  // More is written and compacted with what stayed.
  cleaned->write(60);
  advance(std::chrono::seconds(15));
  EXPECT_GT(cleaned->cleaned_to(), Offset(330));
  EXPECT_LT(cleaned->check(360), 60U);
  cleaned->expect_no_duplicates_below(cleaned->cleaned_to().value());
  EXPECT_TRUE(cleaned->stop_cleaner());
  ASSERT_TRUE(world().stop());
  ASSERT_TRUE(start_again());
  EXPECT_LT(cleaned->check(360), 60U);
  EXPECT_GT(cleaned->cleaned_to(), Offset(330)) << "as the checkpoint says";
}

TEST_F(LogCleanerTest, ReadsAndWritesAsMuchAtOnceAsItsBuffersHold) {
  FailingFileSystem files;
  auto config = compacted_config();
  config.segment_bytes = 30'000;
  cleaned = std::make_unique<CleanedWorld>(config, files);
  cleaned->world.shard.manual_clock().set_wall_clock(TimestampMs(1'700'000'000'000));
  constexpr std::size_t of_each = 4'096;
  world().options.cleaner = CleanerOptions{.threads = 2, .io_buffer_bytes = std::uint64_t{2} * 2 * of_each};
  ASSERT_TRUE(start_again());
  for (int number = 0; number < 400; ++number) {
    protocol::RecordBatchBuilder builder({});
    builder.append(TimestampMs(1'700'000'000'000), as_bytes("key" + std::to_string(number % 200)),
                   as_bytes(std::string(100, 'v')));
    ASSERT_TRUE(world().append(*builder.build()));
  }
  cleaned->publish();
  const auto largest_of_a_pass = [&] {
    files.calls->largest_read_bytes = 0;
    files.calls->largest_write_bytes = 0;
    cleaned->start_cleaner();
    EXPECT_TRUE(cleaned->stop_cleaner());
    return std::pair(files.calls->largest_read_bytes.load(), files.calls->largest_write_bytes.load());
  };
  const auto [read_bytes, written_bytes] = largest_of_a_pass();
  EXPECT_EQ(read_bytes, of_each);
  EXPECT_LE(written_bytes, of_each);
  EXPECT_GT(written_bytes, of_each * 9 / 10);
  const auto cleaned_to = cleaned->cleaned_to();
  EXPECT_GT(cleaned_to, Offset(200));

  // A batch that is larger goes through them as a whole, and what is in front of it and behind it as before.
  ASSERT_TRUE(world().stop());
  ASSERT_TRUE(start_again());
  protocol::RecordBatchBuilder builder({});
  builder.append(TimestampMs(1'700'000'000'000), as_bytes("large"), as_bytes(std::string(3 * of_each, 'l')));
  const auto large = *builder.build();
  ASSERT_TRUE(world().append(large));
  for (int number = 0; number < 300; ++number) ASSERT_TRUE(world().append({.values = {std::string(100, 'w')}}));
  cleaned->publish();
  const auto [large_read, large_written] = largest_of_a_pass();
  EXPECT_EQ(large_read, large.size());
  EXPECT_EQ(large_written, large.size());
  EXPECT_GT(cleaned->cleaned_to(), cleaned_to);
}

TEST_F(LogCleanerTest, DoesNotBeginBeforeTheShareOfDirtyBytesIsLargeEnough) {
  auto config = compacted_config();
  config.min_cleanable_dirty_ratio = 0.9;
  start(config);
  cleaned->write(60);
  cleaned->start_cleaner();
  const auto cleaned_to = cleaned->cleaned_to();
  const auto size = world().log()->size_bytes();
  EXPECT_GT(cleaned_to, Offset(0)) << "all of it was dirty";
  cleaned->write(20);
  advance(std::chrono::minutes(1));
  EXPECT_EQ(cleaned->cleaned_to(), cleaned_to);
  EXPECT_GT(world().log()->size_bytes(), size);

  // But for what is older than max.compaction.lag.ms.
  config.max_compaction_lag_ms = 100'000;
  world().log()->set_config(config);
  advance(std::chrono::seconds(30));
  EXPECT_EQ(cleaned->cleaned_to(), cleaned_to);
  advance(std::chrono::seconds(30));
  EXPECT_GT(cleaned->cleaned_to(), cleaned_to);
  cleaned->check(240);
}

TEST_F(LogCleanerTest, LeavesRecordsAloneThatAreYoungerThanMinCompactionLag) {
  auto config = compacted_config();
  config.min_compaction_lag_ms = 60'000;
  start(config);
  cleaned->write(60);
  cleaned->start_cleaner();
  advance(std::chrono::seconds(59));
  EXPECT_LE(cleaned->cleaned_to(), Offset(0));
  EXPECT_EQ(cleaned->check(180), 180U);
  advance(std::chrono::seconds(16));
  EXPECT_GT(cleaned->cleaned_to(), Offset(150));
}

TEST_F(LogCleanerTest, LeavesWhatTheHighWatermarkHasNotPassed) {
  start();
  cleaned->write(60);
  world().log()->publish_high_watermark(Offset(30));
  cleaned->start_cleaner();
  EXPECT_GT(cleaned->cleaned_to(), Offset(0));
  EXPECT_LE(cleaned->cleaned_to(), Offset(30));
  cleaned->publish();
  advance(std::chrono::seconds(15));
  EXPECT_GT(cleaned->cleaned_to(), Offset(150));
  cleaned->check(180);
}

TEST_F(LogCleanerTest, TakesTheDirtiestLogFirst) {
  start();
  cleaned->write(60, "events");
  cleaned->start_cleaner();
  EXPECT_TRUE(cleaned->stop_cleaner());
  ASSERT_TRUE(world().stop());
  ASSERT_TRUE(start_again());
  const auto before = cleaned->cleaned_to("events");
  cleaned->write(60, "events");
  cleaned->write(60, "other");  // all of it is dirty
  cleaned->start_held_cleaner();
  while (cleaned->cleaned_to("other") == Offset(0)) {
    EXPECT_EQ(cleaned->cleaned_to("events"), before) << "before the dirtier one is done";
    ASSERT_TRUE(cleaned->run_threads());
  }
  EXPECT_GT(cleaned->cleaned_to("other"), Offset(150));
  run_threads();
  EXPECT_GT(cleaned->cleaned_to("events"), before);
  cleaned->check(360, "events");
  cleaned->check(180, "other");
}

TEST_F(LogCleanerTest, CompactsAsManyLogsAtATimeAsItHasThreads) {
  start();
  world().options.cleaner->threads = 2;
  world().manager.reset();
  ASSERT_TRUE(start_again());
  for (const auto* topic : {"one", "two", "three"}) cleaned->write(60, topic);
  cleaned->start_held_cleaner();
  int begun = 0;
  for (const auto* topic : {"one", "two", "three"}) begun += cleaned->cleaned_to(topic) == Offset(0) ? 1 : 0;
  EXPECT_EQ(begun, 2);
  run_threads();
  for (const auto* topic : {"one", "two", "three"}) {
    EXPECT_GT(cleaned->cleaned_to(topic), Offset(150)) << topic;
    cleaned->check(180, topic);
  }
}

TEST_F(LogCleanerTest, ReadsAndWritesNoMoreBytesASecondThanItMay) {
  start();
  world().options.cleaner->io_max_bytes_per_second = 1000;
  world().manager.reset();
  ASSERT_TRUE(start_again());
  cleaned->write(60);
  const auto bytes = world().log()->size_bytes();
  ASSERT_GT(bytes, 6000U);
  stop_in_a_pass();
  advance(std::chrono::seconds(1));
  cleaned->run_threads();
  const auto size = world().log()->size_bytes();
  for (int tenth = 0; tenth < 50; ++tenth) {
    advance(std::chrono::milliseconds(100));
    run_threads();
  }
  EXPECT_EQ(world().log()->size_bytes(), size) << "6,000 bytes take six seconds";
  for (int tenth = 0; tenth < 1000 && cleaned->cleaned_to() == Offset(0); ++tenth) {
    advance(std::chrono::milliseconds(100));
    run_threads();
  }
  EXPECT_GT(cleaned->cleaned_to(), Offset(150));
  cleaned->check(180);
}

TEST_F(LogCleanerTest, LooksInTheRhythmThatIsConfiguredLast) {
  start();
  cleaned->start_cleaner();
  cleaned->write(60);
  auto options = *world().options.cleaner;
  options.backoff_ms = 3'600'000;
  world().manager->reconfigure_cleaner(options);
  world().shard.run();
  const auto first = cleaned->cleaned_to();
  EXPECT_GT(first, Offset(150)) << "a change makes it look";
  cleaned->write(60);
  advance(std::chrono::minutes(59));
  EXPECT_EQ(cleaned->cleaned_to(), first);
  options.backoff_ms = 100;
  world().manager->reconfigure_cleaner(options);
  world().shard.run();
  const auto second = cleaned->cleaned_to();
  EXPECT_GT(second, first);
  cleaned->write(60);
  advance(std::chrono::milliseconds(100));
  EXPECT_GT(cleaned->cleaned_to(), second);
}

TEST_F(LogCleanerTest, KeepsItsCheckpointWhateverThePolicyIsAndForgetsItWithTheTopic) {
  start();
  cleaned->write(60);
  cleaned->start_cleaner();
  const auto expected = "0\n1\nevents 0 " + std::to_string(cleaned->cleaned_to().value()) + "\n";
  EXPECT_EQ(cleaned->checkpoint(), expected);
  EXPECT_TRUE(cleaned->stop_cleaner());
  ASSERT_TRUE(world().stop());

  world().config.compacted = false;
  world().config.deleted_by_age_or_size = true;
  ASSERT_TRUE(start_again());
  cleaned->check(180);
  ASSERT_TRUE(world().stop());
  EXPECT_EQ(cleaned->checkpoint(), expected);

  ASSERT_TRUE(start_again());
  bool removed = false;
  world().manager->remove({"events", PartitionIndex(0)}, [&](const Status& status) { removed = status.has_value(); });
  world().shard.run();
  EXPECT_TRUE(removed);
  EXPECT_EQ(cleaned->checkpoint(), "0\n0\n");
}

TEST_F(LogCleanerTest, BeginsAtTheLogsStartWhenTheCheckpointDoesNotFitTheLog) {
  start();
  cleaned->write(60);
  ASSERT_TRUE(world().stop());
  for (const auto* wrong : {"0\n1\nevents 0 100000\n", "not a checkpoint\n"}) {
    write_file(world().data_path() + "/cleaner-offset-checkpoint", as_bytes(std::string_view(wrong)));
    ASSERT_TRUE(start_again());
    cleaned->publish();
    cleaned->start_cleaner();
    EXPECT_GT(cleaned->cleaned_to(), Offset(150));
    EXPECT_LT(cleaned->cleaned_to(), Offset(180));
    cleaned->check(180);
    EXPECT_TRUE(cleaned->stop_cleaner());
    ASSERT_TRUE(world().stop());
    EXPECT_NE(cleaned->checkpoint().find("events 0 "), std::string::npos);
  }
}

TEST_F(LogCleanerTest, LeavesALogAloneWhoseBatchIsDamagedAndSaysSo) {
  start();
  MetricsRegistry metrics;
  world().manager.reset();
  world().manager =
      std::make_unique<LogManager>(world().options, posix_file_system(), world().shard.clock(), world().shard.pool(),
                                   world().random, [this](const TopicPartition&) -> Shard& { return world().shard; });
  world().manager->show_in(metrics);
  ASSERT_TRUE(world().manager->open_directories());
  ASSERT_TRUE(world().manager->load([this](const std::string&) { return world().config; }));
  cleaned->write(60);
  cleaned->write(60, "other");
  auto file = posix_file_system().open(world().partition_path() + "/00000000000000000000.log", OpenMode::read_write);
  ASSERT_TRUE(file);
  Bytes byte(1);
  ASSERT_TRUE((*file)->read_at(80, byte));
  byte[0] ^= 1;
  ASSERT_TRUE((*file)->write_at(80, byte));
  const auto size = world().log()->size_bytes();
  cleaned->start_cleaner();
  advance(std::chrono::minutes(1));
  EXPECT_EQ(world().log()->size_bytes(), size);
  EXPECT_EQ(cleaned->cleaned_to(), Offset(0));
  EXPECT_TRUE(cleaned->names(".cleaned").empty());
  EXPECT_GT(cleaned->cleaned_to("other"), Offset(150)) << "the others go on";
  const auto text = metrics.text();
  const auto directory = "{directory=\"" + world().data_path() + "\"} ";
  EXPECT_NE(text.find("millrace_cleaner_uncleanable_partitions" + directory + "1\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("millrace_cleaner_uncleanable_bytes" + directory + "0\n"), std::string::npos) << text;
  EXPECT_NE(text.find("millrace_cleaner_passes_total{outcome=\"failed\"} 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("millrace_cleaner_passes_total{outcome=\"finished\"} 1\n"), std::string::npos) << text;

  // It is compacted no more, but goes with its topic.
  bool removed = false;
  world().manager->remove({"events", PartitionIndex(0)}, [&](const Status& status) { removed = status.has_value(); });
  world().shard.run();
  EXPECT_TRUE(removed);
  EXPECT_TRUE(cleaned->stop_cleaner());
  world().shard.run();
  cleaned.reset();  // before the metrics
}

TEST_F(LogCleanerTest, EndsAPassOverATopicThatIsDeleted) {
  start();
  cleaned->write(60);
  stop_in_a_pass();
  bool removed = false;
  world().manager->remove({"events", PartitionIndex(0)}, [&](const Status& status) { removed = status.has_value(); });
  world().shard.run();
  EXPECT_FALSE(removed) << "its files are still being read";
  cleaned->run_threads();
  EXPECT_TRUE(removed);
  run_threads();
  EXPECT_EQ(cleaned->checkpoint(), "0\n0\n");
}

TEST_F(LogCleanerTest, EndsAPassOverALogThatIsNotToBeCompactedAnyMore) {
  start();
  cleaned->write(60);
  stop_in_a_pass();
  auto config = compacted_config();
  config.compacted = false;
  config.deleted_by_age_or_size = true;
  config.retention_ms = 1000;
  world().log()->set_config(config);
  run_threads();
  EXPECT_EQ(cleaned->cleaned_to(), Offset(0));
  EXPECT_TRUE(cleaned->names(".cleaned").empty());
  EXPECT_TRUE(cleaned->names(".swap").empty());
  cleaned->check(180);
  advance(std::chrono::minutes(6));
  EXPECT_EQ(world().log()->log_start_offset(), Offset(180)) << "retention goes on";
}

TEST_F(LogCleanerTest, LetsRetentionWaitForThePass) {
  auto config = compacted_config();
  config.deleted_by_age_or_size = true;
  config.retention_ms = 1000;
  start(config);
  cleaned->write(60);
  stop_in_a_pass();
  advance(std::chrono::minutes(1));
  EXPECT_EQ(world().log()->log_start_offset(), Offset(0));
  run_threads();
  EXPECT_GT(cleaned->cleaned_to(), Offset(150));
  advance(std::chrono::seconds(15));
  EXPECT_EQ(world().log()->log_start_offset(), Offset(180)) << "both policies hold";
}

TEST_F(LogCleanerTest, StopsInTheMiddleOfAPassAndTheStopIsClean) {
  start();
  cleaned->write(60);
  stop_in_a_pass();
  bool stopped = false;
  world().manager->stop_cleaner([&] { stopped = true; });
  world().shard.run();
  EXPECT_FALSE(stopped);
  run_threads();
  EXPECT_TRUE(stopped);
  ASSERT_TRUE(world().stop());
  EXPECT_TRUE(cleaned->names(".cleaned").empty());
  ASSERT_TRUE(start_again());
  EXPECT_TRUE(world().manager->had_clean_shutdown());
  cleaned->check(180);
}

TEST_F(LogCleanerTest, EndsAPassOverALogThatIsTruncated) {
  start();
  cleaned->write(60);
  stop_in_a_pass();
  std::optional<Status> truncated;
  world().log()->truncate_to(Offset(99), [&](Status status) { truncated = std::move(status); });
  world().shard.run();
  ASSERT_TRUE(truncated);
  ASSERT_TRUE(*truncated) << truncated->error().message;
  run_threads();
  EXPECT_EQ(cleaned->cleaned_to(), Offset(0)) << "it has to begin anew";
  EXPECT_TRUE(cleaned->names(".cleaned").empty());
  EXPECT_TRUE(cleaned->names(".swap").empty());
  EXPECT_EQ(world().log()->log_end_offset(), Offset(99));
  const auto left = world().read_all();
  ASSERT_FALSE(left.empty());
  EXPECT_EQ(left.back().offset, Offset(98));
  for (const auto& record : left) EXPECT_EQ(record.value, CleanedWorld::value_at(record.offset.value()));
}

TEST_F(LogCleanerTest, BringsItsCheckpointDownToTheActiveSegmentOfALogThatIsTruncated) {
  start();
  cleaned->write(60);
  cleaned->start_cleaner();
  ASSERT_GT(cleaned->cleaned_to(), Offset(150));
  world().log()->truncate_to(Offset(99), [](const Status&) {});
  world().shard.run();
  EXPECT_LE(cleaned->cleaned_to(), Offset(99));
  EXPECT_GE(cleaned->cleaned_to(), Offset(0));
}

TEST_F(LogCleanerTest, EndsAPassWhoseDiskFailsWithTheDirectoryOffline) {
  set_log_level(LogLevel::off);
  FaultFileSystem files;
  files.faults->only_for = [](const std::string& path) { return path.ends_with(".cleaned"); };
  cleaned = std::make_unique<CleanedWorld>(compacted_config(), files);
  ASSERT_TRUE(start_again());
  cleaned->write(60);
  auto log = world().log();
  files.faults->writable_bytes = 0;
  cleaned->start_cleaner();
  EXPECT_TRUE(log->is_offline());
  EXPECT_FALSE(world().manager->is_online(world().data_path()));
  EXPECT_TRUE(cleaned->stop_cleaner()) << "no pass is left";
}

// Consumers that read cold segments while these are replaced, begun at every moment of a pass: each sees every key's
// newest record.
TEST_F(LogCleanerTest, LetsReadersMissNothingWhileSegmentsAreReplaced) {
  struct Consumer {
    Offset next{0};
    std::set<std::int64_t> seen;
  };
  start();
  cleaned->write(60);
  std::vector<std::shared_ptr<Consumer>> consumers;
  std::function<void(std::shared_ptr<Consumer>)> read = [&](std::shared_ptr<Consumer> consumer) {
    if (consumer->next >= Offset(180)) return;
    auto done = [&, consumer](ReadOutcome data) {
      ASSERT_TRUE(data) << data.error().message;
      const auto bytes = world().bytes_of(*data);
      for (const auto& record : records_in(bytes)) {
        if (record.offset >= consumer->next) consumer->seen.insert(record.offset.value());
      }
      const auto next = offset_behind(bytes, consumer->next);
      ASSERT_GT(next, consumer->next);
      consumer->next = next;
      read(consumer);
    };
    world().log()->read({consumer->next, Offset(180), 1, true}, std::move(done));
  };
  bool over = false;
  std::function<void()> begin_one = [&] {
    if (over || consumers.size() >= 200) return;
    read(consumers.emplace_back(std::make_shared<Consumer>()));
    world().shard.post([&] { begin_one(); });
  };
  begin_one();
  cleaned->start_cleaner();
  over = true;
  world().shard.run();
  EXPECT_GT(cleaned->cleaned_to(), Offset(150));
  ASSERT_GT(consumers.size(), 20U);
  for (const auto& consumer : consumers) {
    EXPECT_EQ(consumer->next, Offset(180));
    for (const auto& [key, offset] : cleaned->newest["events"]) EXPECT_TRUE(consumer->seen.contains(offset)) << key;
  }
}

}  // namespace
}  // namespace millrace::log::test

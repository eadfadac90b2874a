#include "broker/log/retention.h"

#include <gtest/gtest.h>

#include <vector>

#include "broker/base/logging.h"
#include "broker/log/retention_schedule.h"
#include "test/broker/log/crash_file_system.h"
#include "test/broker/log/log_world.h"
#include "test/broker/log/wrapped_shard.h"

namespace millrace::log::test {
namespace {

constexpr TimestampMs noon{1'700'000'000'000};

// ---- the rule

struct RetentionRule : testing::Test {
  RetentionRule() {
    config.retention_ms = -1;
    for (int number = 0; number < 5; ++number) segments.push_back({Offset(number * 10), 100, noon + number * 1000});
  }
  std::size_t count(RemovalReason reason) const {
    return segments_to_remove({segments, log_start, log_end, high_watermark, now, config}, reason);
  }

  LogConfig config;
  std::vector<RetainedSegment> segments;
  Offset log_start{0};
  Offset log_end{45};
  Offset high_watermark{45};
  TimestampMs now = noon;
};

TEST_F(RetentionRule, RemovesWhatIsOlderAndNotWhatIsJustAsOld) {
  config.retention_ms = 1000;
  now = noon + 2000;
  EXPECT_EQ(count(RemovalReason::too_old), 1U);
  now = noon + 2001;
  EXPECT_EQ(count(RemovalReason::too_old), 2U);
  config.retention_ms = -1;
  EXPECT_EQ(count(RemovalReason::too_old), 0U);
}

TEST_F(RetentionRule, RemovesTheLastSegmentTooUnlessItIsEmpty) {
  config.retention_ms = 0;
  now = noon + 100'000;
  EXPECT_EQ(count(RemovalReason::too_old), 5U);
  segments.back().size_bytes = 0;
  EXPECT_EQ(count(RemovalReason::too_old), 4U);
}

TEST_F(RetentionRule, KeepsEverythingBehindASegmentThatStays) {
  config.retention_ms = 1000;
  now = noon + 100'000;
  segments[2].largest_timestamp = now + 5;
  EXPECT_EQ(count(RemovalReason::too_old), 2U);
}

TEST_F(RetentionRule, KeepsWhatTheHighWatermarkHasNotPassed) {
  config.retention_ms = 0;
  now = noon + 100'000;
  high_watermark = Offset(29);
  EXPECT_EQ(count(RemovalReason::too_old), 2U);
  high_watermark = Offset(30);
  EXPECT_EQ(count(RemovalReason::too_old), 3U);
  high_watermark = Offset(44);
  EXPECT_EQ(count(RemovalReason::too_old), 4U) << "the last one ends with the log";
}

TEST_F(RetentionRule, LeavesAtLeastRetentionBytes) {
  config.retention_bytes = 250;
  EXPECT_EQ(count(RemovalReason::too_large), 2U);
  config.retention_bytes = 200;
  EXPECT_EQ(count(RemovalReason::too_large), 3U);
  config.retention_bytes = 401;
  EXPECT_EQ(count(RemovalReason::too_large), 0U);
  config.retention_bytes = 501;
  EXPECT_EQ(count(RemovalReason::too_large), 0U);
  config.retention_bytes = 0;
  EXPECT_EQ(count(RemovalReason::too_large), 5U);
}

TEST_F(RetentionRule, RemovesSegmentsThatEndAtOrBelowTheLogsStart) {
  log_start = Offset(29);
  EXPECT_EQ(count(RemovalReason::below_log_start), 2U);
  log_start = Offset(30);
  EXPECT_EQ(count(RemovalReason::below_log_start), 3U);
  log_start = Offset(45);
  EXPECT_EQ(count(RemovalReason::below_log_start), 4U) << "the last one stays until it is followed by another";
}

TEST_F(RetentionRule, OfCompactedLogsOnlyRemovesWhatIsBelowTheirStart) {
  config.compacted = true;
  config.deleted_by_age_or_size = false;
  config.retention_ms = 0;
  config.retention_bytes = 0;
  now = noon + 100'000;
  log_start = Offset(20);
  EXPECT_EQ(count(RemovalReason::too_old), 0U);
  EXPECT_EQ(count(RemovalReason::too_large), 0U);
  EXPECT_EQ(count(RemovalReason::below_log_start), 2U);
  EXPECT_EQ(retention_due(config, segments.front()), std::nullopt);
}

TEST_F(RetentionRule, TellsTheFirstInstantAtWhichASegmentIsTooOld) {
  config.retention_ms = 1000;
  auto due = retention_due(config, segments.front());
  ASSERT_TRUE(due);
  now = *due - 1;
  EXPECT_EQ(count(RemovalReason::too_old), 0U);
  now = *due;
  EXPECT_EQ(count(RemovalReason::too_old), 1U);
  config.retention_ms = LogConfig::unlimited;
  EXPECT_EQ(retention_due(config, segments.front()), std::nullopt);
  config.retention_ms = 1000;
  EXPECT_EQ(retention_due(config, {Offset(0), 0, noon}), noon + 1001) << "compaction may leave an empty segment";
}

// ---- a log

struct Retention : testing::Test {
  void SetUp() override {
    set_log_level(LogLevel::error);
    config.segment_bytes = static_cast<std::int32_t>(batch_of(0).size() * 2);
    config.file_delete_delay_ms = 60'000;
  }
  void TearDown() override { set_log_level(LogLevel::info); }

  static Bytes batch_of(int number) {
    return make_batch({.values = {"value" + std::to_string(1000 + number)}, .timestamp = noon + number * 1000});
  }
  void start() {
    world = std::make_unique<LogWorld>(config);
    world->options.retention_check_interval_ms = 300'000;
    world->shard.manual_clock().set_wall_clock(noon);
    ASSERT_TRUE(world->start());
    world->manager->start(world->shard, world->shard.pool());
    world->shard.run();
  }
  void fill(int batches) {
    for (int number = 0; number < batches; ++number) ASSERT_TRUE(world->append(batch_of(next_++)));
    world->log()->publish_high_watermark(world->log()->log_end_offset());
  }
  void reconfigure() { world->log()->set_config(config); }
  std::vector<std::string> names(std::string_view suffix) const {
    std::vector<std::string> found;
    for (auto& name : names_in(world->partition_path())) {
      if (name.ends_with(suffix)) found.push_back(name);
    }
    return found;
  }
  Offset start_offset() { return world->log()->log_start_offset(); }

  LogConfig config;
  std::unique_ptr<LogWorld> world;
  int next_ = 0;
};

TEST_F(Retention, RemovesOldSegmentsAtTheNextCheckWithoutARestart) {
  start();
  fill(9);
  config.retention_ms = 60'000;
  reconfigure();
  EXPECT_EQ(start_offset(), Offset(0)) << "not before the check";
  world->shard.advance(std::chrono::milliseconds(299'999));
  EXPECT_EQ(start_offset(), Offset(0));
  world->shard.advance(std::chrono::milliseconds(1));
  EXPECT_EQ(start_offset(), Offset(9)) << "the active one too";
  EXPECT_EQ(world->log()->published().segments, 1U);
  EXPECT_EQ(world->log()->size_bytes(), 0U);
  EXPECT_EQ(names(".log"), std::vector<std::string>{"00000000000000000009.log"});
  EXPECT_EQ(names(".log.deleted").size(), 5U);
  EXPECT_EQ(names(".snapshot"), std::vector<std::string>{"00000000000000000009.snapshot"});
  auto refused = world->read(Offset(8));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ReadErrorKind::offset_out_of_range);
  EXPECT_EQ(world->find_offset(OffsetSpec::earliest)->offset, Offset(9));
  world->shard.advance(std::chrono::milliseconds(59'000));
  EXPECT_EQ(names(".log.deleted").size(), 5U);
  world->shard.advance(std::chrono::milliseconds(1'000));
  EXPECT_EQ(names(".deleted").size(), 0U);
  fill(1);
  EXPECT_EQ(world->read_all(Offset(9)).size(), 1U);
}

TEST_F(Retention, RemovesWhatIsBeyondRetentionBytes) {
  config.retention_ms = -1;
  config.retention_bytes = config.segment_bytes * 2;
  start();
  fill(9);
  EXPECT_EQ(world->log()->published().segments, 5U);
  world->shard.advance(std::chrono::minutes(5));
  EXPECT_EQ(start_offset(), Offset(4));
  EXPECT_GE(world->log()->size_bytes(), static_cast<std::uint64_t>(config.retention_bytes));
  EXPECT_EQ(world->read_all(Offset(4)).size(), 5U);
}

TEST_F(Retention, WaitsForTheHighWatermark) {
  config.retention_ms = 1000;
  start();
  fill(4);
  world->log()->publish_high_watermark(Offset(2));
  world->shard.advance(std::chrono::minutes(5));
  EXPECT_EQ(start_offset(), Offset(2));
  world->log()->publish_high_watermark(Offset(4));
  world->shard.advance(std::chrono::minutes(5));
  EXPECT_EQ(start_offset(), Offset(4));
}

TEST_F(Retention, OfCompactedLogsComesInTheCleanersRhythmOrNotAtAll) {
  config.compacted = true;
  config.retention_ms = 1000;
  start();
  fill(4);
  world->shard.advance(std::chrono::seconds(15));
  EXPECT_EQ(start_offset(), Offset(4));

  world = std::make_unique<LogWorld>(config);
  world->options.cleaner.reset();
  world->shard.manual_clock().set_wall_clock(noon);
  ASSERT_TRUE(world->start());
  world->manager->start(world->shard, world->shard.pool());
  fill(4);
  world->shard.advance(std::chrono::hours(1));
  EXPECT_EQ(start_offset(), Offset(0));
}

TEST_F(Retention, BeginsAfterTheInitialDelay) {
  config.retention_ms = 1000;
  world = std::make_unique<LogWorld>(config);
  world->options.initial_task_delay_ms = 30'000;
  world->shard.manual_clock().set_wall_clock(noon);
  ASSERT_TRUE(world->start());
  world->manager->start(world->shard, world->shard.pool());
  fill(4);
  world->shard.advance(std::chrono::seconds(30));
  EXPECT_EQ(start_offset(), Offset(4));
}

TEST_F(Retention, FindsLogsThatAreDueAfterARestart) {
  config.retention_ms = 1000;
  start();
  fill(5);
  ASSERT_TRUE(world->stop());
  world->shard.manual_clock().set_wall_clock(noon + 1'000'000);
  ASSERT_TRUE(world->start());
  world->manager->start(world->shard, world->shard.pool());
  world->log()->publish_high_watermark(world->log()->log_end_offset());
  world->shard.advance(std::chrono::minutes(5));
  EXPECT_EQ(start_offset(), Offset(5));
}

TEST_F(Retention, TruncatesEpochsAndMovesTheStartOfTheCheckpoint) {
  config.retention_ms = -1;
  start();
  fill(2);
  world->leader_epoch = LeaderEpoch(3);
  fill(4);
  ASSERT_TRUE(world->log()->advance_log_start_offset(Offset(5)));
  EXPECT_EQ(world->log()->leader_epoch_for(Offset(1)), LeaderEpoch::none());
  EXPECT_EQ(world->log()->leader_epoch_for(Offset(5)), LeaderEpoch(3));
  world->shard.advance(std::chrono::minutes(5));
  EXPECT_EQ(world->log()->published().first_segment_offset, 4);
  EXPECT_EQ(start_offset(), Offset(5)) << "in the middle of a segment";
  ASSERT_TRUE(world->stop());
  ASSERT_TRUE(world->start());
  EXPECT_EQ(start_offset(), Offset(5)) << "as the checkpoint says";
  EXPECT_EQ(world->read_all(Offset(5)).size(), 1U);
}

TEST_F(Retention, ServesReadersThatHaveAViewOfARemovedSegment) {
  config.retention_ms = 1000;
  start();
  fill(9);
  auto slice = world->read(Offset(0));
  ASSERT_TRUE(slice);
  world->shard.advance(std::chrono::minutes(10));
  EXPECT_EQ(start_offset(), Offset(9));
  EXPECT_EQ(records_in(world->bytes_of(*slice)).size(), 2U);
}

TEST_F(Retention, IsFinishedByTheNextStart) {
  config.retention_ms = 1000;
  start();
  fill(6);
  world->shard.advance(std::chrono::minutes(5));
  EXPECT_EQ(names(".log.deleted").size(), 3U);
  world->kill();
  ASSERT_TRUE(world->start());
  EXPECT_TRUE(names(".deleted").empty());
  EXPECT_EQ(start_offset(), Offset(6));
  EXPECT_EQ(world->log()->log_end_offset(), Offset(6));
}

TEST_F(Retention, NeverLeavesAHoleWhenThePowerGoesWhileSegmentsAreRemoved) {
  at_each_change(300, [&](CrashFileSystem& files, std::uint64_t change, bool& crashed) {
    config.retention_ms = 4'000;
    config.file_delete_delay_ms = 0;
    LogWorld crash_world(config, files);
    crash_world.shard.manual_clock().set_wall_clock(noon + 9'000);
    ASSERT_TRUE(crash_world.start());
    for (int number = 0; number < 9; ++number) ASSERT_TRUE(crash_world.append(batch_of(number)));
    auto log = crash_world.log();
    log->publish_high_watermark(log->log_end_offset());
    log->flush([](const Status& status) { ASSERT_TRUE(status); });
    crash_world.shard.run();
    files.crash_after = change;
    EXPECT_EQ(log->apply_retention(noon + 9'000), 2U);
    crash_world.shard.run();
    crash_world.shard.advance(std::chrono::seconds(1));
    crashed = files.crashed();
    files.crash();
    log.reset();
    crash_world.kill();
    files.restart();
    ASSERT_TRUE(crash_world.start());
    ASSERT_TRUE(crash_world.manager->unusable().empty()) << crash_world.manager->unusable().front().second;
    log = crash_world.log();
    const auto first = log->log_start_offset();
    EXPECT_TRUE(first == Offset(0) || first == Offset(2) || first == Offset(4)) << first.value();
    EXPECT_EQ(log->log_end_offset(), Offset(9));
    EXPECT_EQ(crash_world.read_all(first).size(), static_cast<std::size_t>(9 - first.value()));
    if (!crashed) EXPECT_EQ(first, Offset(4));
  });
}

// ---- who is asked

// Tells how many segments the job that removed most of them has removed.
class CountingShard final : public WrappedShard {
 public:
  void post(Job job) override {
    inner.post([this, job = std::move(job)]() mutable {
      const auto before = removed ? removed() : 0;
      job();
      if (removed) most = std::max(most, removed() - before);
    });
  }

  std::function<std::uint64_t()> removed;
  std::uint64_t most = 0;
};

TEST(RetentionOfManyLogs, LetsTheShardServeOthersInBetween) {
  set_log_level(LogLevel::error);
  constexpr std::uint64_t many = 150;
  TemporaryDirectory directory;
  CountingShard shard;
  SeededRandom random{7};
  LogManagerOptions options;
  options.directories = {directory.path()};
  options.cluster_id = "1gdzRcRMRMyxOSdkj0JfkA";
  options.broker_id = BrokerId(7);
  LogConfig config;
  config.retention_ms = 1000;
  config.segment_index_bytes = 4096;
  shard.inner.manual_clock().set_wall_clock(noon);
  LogManager manager(options, unsynced_files(), shard.clock(), shard.pool(), random,
                     [&](const TopicPartition&) -> Shard& { return shard; });
  ASSERT_TRUE(manager.open_directories());
  ASSERT_TRUE(manager.load([&](const auto&) { return config; }));
  manager.start(shard, shard.pool());
  auto batch = make_batch({.values = {"value"}, .timestamp = noon});
  for (std::uint64_t number = 0; number < many; ++number) {
    manager.get_or_create({"topic" + std::to_string(number), PartitionIndex(0)}, TopicId{{1}}, config, [&](auto made) {
      ASSERT_TRUE(made);
      (*made)->append({batch, AppendOrigin::client, LeaderEpoch(0), noon}, [](const AppendOutcome&) {});
      (*made)->publish_high_watermark((*made)->log_end_offset());
    });
    shard.inner.run();
  }
  shard.removed = [&] { return manager.statistics().segments_removed.load(); };
  shard.inner.advance(std::chrono::milliseconds(options.retention_check_interval_ms));
  EXPECT_EQ(shard.removed(), many);
  EXPECT_EQ(shard.most, 64U);
  shard.removed = nullptr;
  set_log_level(LogLevel::info);
}

TEST_F(Retention, ScheduleGivesOnlyLogsThatAreDue) {
  config.retention_ms = 1'000'000;
  start();
  for (const auto* topic : {"a", "b", "c"}) ASSERT_TRUE(world->append(batch_of(0), AppendOrigin::client, topic));
  RetentionSchedule schedule;
  std::optional<RetentionSchedule::Place> place;
  const auto log = world->log("a");
  schedule.move(log, place, RetentionSchedule::Place{noon + 5, false});
  EXPECT_TRUE(schedule.due(noon + 4, false).empty());
  EXPECT_TRUE(schedule.due(noon + 5, true).empty());
  EXPECT_EQ(schedule.due(noon + 5, false).size(), 1U);
  schedule.move(log, place, RetentionSchedule::Place{noon + 9, true});
  EXPECT_TRUE(schedule.due(noon + 9, false).empty());
  EXPECT_EQ(schedule.due(noon + 9, true).size(), 1U);
  schedule.move(log, place, std::nullopt);
  EXPECT_EQ(schedule.size(), 0U);
}

}  // namespace
}  // namespace millrace::log::test

// When records reach the disk, and what is told of it when they do not.
#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "test/broker/log/fault_file_system.h"
#include "test/broker/log/log_world.h"

namespace millrace::log::test {
namespace {

constexpr TimestampMs noon{1'700'000'000'000};

struct Flushes : testing::Test {
  void SetUp() override { start({}); }
  void start(const LogConfig& config) {
    world = std::make_unique<LogWorld>(config, files);
    ASSERT_TRUE(world->start());
    world->log();
  }
  std::optional<bool> flush() {
    std::optional<bool> good;
    world->log()->flush([&](const Status& status) { good = status.has_value(); });
    world->shard.run();
    return good;
  }

  FaultFileSystem files;
  std::unique_ptr<LogWorld> world;
};

TEST_F(Flushes, AdvanceTheRecoveryPointToTheEndThatWas) {
  ASSERT_TRUE(world->append({.values = {"a", "b"}}));
  EXPECT_EQ(world->log()->recovery_point(), Offset(0));
  files.faults->synced.clear();
  EXPECT_EQ(flush(), true);
  EXPECT_EQ(world->log()->recovery_point(), Offset(2));
  EXPECT_TRUE(std::ranges::any_of(files.faults->synced, [](const auto& path) { return path.ends_with("0.log"); }));
  files.faults->synced.clear();
  EXPECT_EQ(flush(), true);
  EXPECT_TRUE(files.faults->synced.empty()) << "nothing to do";
}

TEST_F(Flushes, NeverSucceedAgainAfterASyncHasFailed) {
  ASSERT_TRUE(world->append({.values = {"a"}}));
  files.faults->fail_sync = true;
  files.faults->only_for = [](const std::string& path) { return path.ends_with(".log"); };
  EXPECT_EQ(flush(), false);
  *files.faults = Faults{};
  EXPECT_EQ(flush(), false) << "the system may have dropped the pages: a later sync tells nothing about them";
  EXPECT_EQ(world->log()->recovery_point(), Offset(0));
  auto refused = world->append({.values = {"b"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, AppendErrorKind::storage);
  EXPECT_EQ(world->log()->log_end_offset(), Offset(1));
  EXPECT_EQ(world->read(Offset(0)).error().kind, ReadErrorKind::storage) << "the directory is offline";
  world->kill();
  ASSERT_TRUE(world->start());
  EXPECT_EQ(world->log()->recovery_point(), Offset(0));
  ASSERT_TRUE(world->append({.values = {"b"}})) << "recovery has looked";
}

TEST_F(Flushes, MakeAppendsWaitWhereFlushMessagesSaysSo) {
  LogConfig config;
  config.flush_messages = 2;
  start(config);
  std::vector<int> completed;
  auto append = [&](int number) {
    auto batch = std::make_shared<Bytes>(make_batch({.values = {std::to_string(number)}}));
    world->log()->append({*batch, AppendOrigin::client, LeaderEpoch(0), noon},
                         [&completed, number, batch](const AppendOutcome& outcome) {
                           EXPECT_TRUE(outcome);
                           completed.push_back(number);
                         });
  };
  append(0);
  EXPECT_EQ(completed, (std::vector{0}));
  append(1);
  append(2);
  append(3);
  EXPECT_EQ(completed, (std::vector{0})) << "the sync is not over, and the order is kept";
  world->shard.run();
  EXPECT_EQ(completed, (std::vector{0, 1, 2, 3}));
  EXPECT_GE(world->log()->recovery_point(), Offset(2));
}

TEST_F(Flushes, FailTheAppendsThatWaitForThem) {
  LogConfig config;
  config.flush_messages = 1;
  start(config);
  files.faults->fail_sync = true;
  files.faults->only_for = [](const std::string& path) { return path.ends_with(".log"); };
  auto outcome = world->append({.values = {"a"}});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, AppendErrorKind::storage);
}

TEST_F(Flushes, ComeByThemselvesAfterFlushMs) {
  LogConfig config;
  config.flush_ms = 5000;
  start(config);
  world->manager->start(world->shard, world->shard.pool());
  ASSERT_TRUE(world->append({.values = {"a"}}));
  world->shard.advance(std::chrono::milliseconds(3100));
  EXPECT_EQ(world->log()->recovery_point(), Offset(0));
  world->shard.advance(std::chrono::seconds(4));
  EXPECT_EQ(world->log()->recovery_point(), Offset(1));
}

// flush.messages=1: what is answered has been synced, retries too.
struct SyncedMode : Flushes {
  void SetUp() override {
    LogConfig config;
    config.flush_messages = 1;
    start(config);
  }
  // Completes when the world runs.
  std::shared_ptr<std::optional<AppendOutcome>> begin_append(int sequence) {
    auto outcome = std::make_shared<std::optional<AppendOutcome>>();
    batches.push_back(make_batch({.values = {"a"},
                                  .producer_id = ProducerId(1),
                                  .producer_epoch = ProducerEpoch(0),
                                  .base_sequence = Sequence(sequence)}));
    world->log()->append({batches.back(), AppendOrigin::client, LeaderEpoch(0), noon},
                         [outcome](AppendOutcome result) { *outcome = std::move(result); });
    return outcome;
  }

  std::list<Bytes> batches;
};

TEST_F(SyncedMode, AnswersARetryOnlyWhenWhatItRepeatsIsSynced) {
  auto first = begin_append(0);
  auto again = begin_append(0);
  EXPECT_FALSE(first->has_value() || again->has_value());
  world->shard.run();
  ASSERT_TRUE(first->has_value() && again->has_value());
  ASSERT_TRUE(**first && **again);
  EXPECT_TRUE((**again)->duplicate);
  EXPECT_EQ(world->log()->recovery_point(), Offset(1));
}

TEST_F(SyncedMode, AnswersARetryOfWhatIsSyncedAtOnce) {
  auto first = begin_append(0);
  world->shard.run();
  auto again = begin_append(0);
  ASSERT_TRUE(again->has_value());
  EXPECT_TRUE(**again);
}

TEST_F(SyncedMode, DoesNotAcknowledgeARetryWhoseSyncFailed) {
  files.faults->fail_sync = true;
  files.faults->only_for = [](const std::string& path) { return path.ends_with(".log"); };
  auto first = begin_append(0);
  auto again = begin_append(0);
  world->shard.run();
  ASSERT_TRUE(first->has_value() && again->has_value());
  EXPECT_FALSE(**first);
  EXPECT_FALSE(**again);
}

TEST_F(SyncedMode, DoesNotAcknowledgeARetryWhileTheEpochsCannotBeWritten) {
  files.faults->fail_open = [](const std::string& path) {
    return path.find("leader-epoch-checkpoint") != std::string::npos;
  };
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto outcome = begin_append(0);
    world->shard.run();
    ASSERT_TRUE(outcome->has_value());
    EXPECT_FALSE(**outcome) << "attempt " << attempt;
  }
}

}  // namespace
}  // namespace millrace::log::test

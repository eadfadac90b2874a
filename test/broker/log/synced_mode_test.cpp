// flush.messages: what is answered has been synced, retries too.
#include <gtest/gtest.h>

#include <list>
#include <memory>
#include <optional>

#include "test/broker/log/fault_file_system.h"
#include "test/broker/log/log_world.h"

namespace millrace::log::test {
namespace {

constexpr TimestampMs noon{1'700'000'000'000};

struct SyncedMode : testing::Test {
  void SetUp() override {
    LogConfig config;
    config.flush_messages = 1;
    world = std::make_unique<LogWorld>(config, files);
    ASSERT_TRUE(world->start());
    world->log();
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

  FaultFileSystem files;
  std::unique_ptr<LogWorld> world;
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

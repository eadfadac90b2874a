// When records reach the disk, and what is told of it when they do not. With flush.messages=1 the journal of the directory may have
// them before their segments do: what is claimed holds with it and without.
#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "test/broker/log/synced_world.h"

namespace millrace::log::test {
namespace {

constexpr TimestampMs noon{1'700'000'000'000};

// The number of the journal's files.
struct Flushes : testing::TestWithParam<std::size_t> {
  void SetUp() override { start({}); }
  void start(const LogConfig& config) {
    world = std::make_unique<LogWorld>(config, files);
    world->options.journal.files = GetParam();
    ASSERT_TRUE(world->start());
    world->log();
  }
  // Syncs of what confirms an append with flush.messages=1.
  void fail_syncs_that_confirm() {
    files.faults->fail_sync = true;
    files.faults->only_for = [journals = GetParam() > 0](const std::string& path) {
      return journals ? is_in_journal(path) : path.ends_with(".log");
    };
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

TEST_P(Flushes, AdvanceTheRecoveryPointToTheEndThatWas) {
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

TEST_P(Flushes, NeverSucceedAgainAfterASyncHasFailed) {
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

TEST_P(Flushes, MakeAppendsWaitWhereFlushMessagesSaysSo) {
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

TEST_P(Flushes, FailTheAppendsThatWaitForThem) {
  LogConfig config;
  config.flush_messages = 1;
  start(config);
  fail_syncs_that_confirm();
  auto outcome = world->append({.values = {"a"}});
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, AppendErrorKind::storage);
}

TEST_P(Flushes, ComeByThemselvesAfterFlushMs) {
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

TEST_P(SyncedMode, AnswersARetryOnlyWhenWhatItRepeatsIsSynced) {
  auto first = begin_append(0);
  auto again = begin_append(0);
  EXPECT_FALSE(first->has_value() || again->has_value());
  world->shard.run();
  ASSERT_TRUE(first->has_value() && again->has_value());
  ASSERT_TRUE(**first && **again);
  EXPECT_TRUE((**again)->duplicate);
  EXPECT_EQ(world->log()->synced_offset(), Offset(1));
  EXPECT_EQ(world->log()->recovery_point(), Offset(GetParam() > 0 ? 0 : 1))
      << "what the journal has, its segment may lack";
}

TEST_P(SyncedMode, AnswersARetryOfWhatIsSyncedAtOnce) {
  auto first = begin_append(0);
  world->shard.run();
  auto again = begin_append(0);
  ASSERT_TRUE(again->has_value());
  EXPECT_TRUE(**again);
}

TEST_P(SyncedMode, DoesNotAcknowledgeARetryWhoseSyncFailed) {
  fail_syncs_that_confirm();
  auto first = begin_append(0);
  auto again = begin_append(0);
  world->shard.run();
  ASSERT_TRUE(first->has_value() && again->has_value());
  EXPECT_FALSE(**first);
  EXPECT_FALSE(**again);
}

TEST_P(SyncedMode, DoesNotAcknowledgeARetryWhileTheEpochsCannotBeWritten) {
  files.faults->fail_open = [](const std::string& path) {
    return path.find("leader-epoch-checkpoint") != std::string::npos;
  };
  const bool journals = GetParam() > 0;
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto outcome = begin_append(0);
    world->shard.run();
    ASSERT_TRUE(outcome->has_value());
    // The journal has the epoch with the record; then the directory is offline.
    EXPECT_EQ((*outcome)->has_value(), journals && attempt == 0) << "attempt " << attempt;
  }
  EXPECT_EQ(flush(), false);
  EXPECT_EQ(world->log()->recovery_point(), Offset(0)) << "a segment counts with its epochs only";
  if (!journals) return;
  world->kill();
  *files.faults = Faults{};
  SyncedWorld::cut(world->partition_path() + "/" + segment_file_name(Offset(0), log_suffix), 0);
  ASSERT_TRUE(world->start());
  EXPECT_EQ(world->read_all(), (std::vector<ReadRecord>{{Offset(0), "a"}})) << "it was acknowledged";
  EXPECT_EQ(world->log()->leader_epoch_for(Offset(0)), LeaderEpoch(0));
}

const auto with_and_without = testing::Values(std::size_t{0}, std::size_t{2});
const auto journal_name = [](const auto& info) { return info.param == 0 ? "WithoutAJournal" : "WithAJournal"; };
INSTANTIATE_TEST_SUITE_P(Journals, Flushes, with_and_without, journal_name);
INSTANTIATE_TEST_SUITE_P(Journals, SyncedMode, with_and_without, journal_name);

}  // namespace
}  // namespace millrace::log::test

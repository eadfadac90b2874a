// What logs cost that nobody writes to.
#include <gtest/gtest.h>

#include <algorithm>
#include <string_view>

#include "broker/log/checkpoint_file.h"
#include "broker/log/loaded_log.h"
#include "broker/log/log_duties.h"
#include "test/broker/log/log_world.h"

namespace millrace::log::test {
namespace {

struct IdleLogs : testing::Test {
  void SetUp() override {
    world = std::make_unique<LogWorld>(LogConfig{}, files);
    ASSERT_TRUE(world->start());
    ASSERT_TRUE(world->append({.values = {"a"}}));
    ASSERT_TRUE(world->append(make_batch({.values = {"b"}}), AppendOrigin::client, "quiet"));
    lead("empty");
    ASSERT_TRUE(world->stop());
    ASSERT_TRUE(world->start());
    files.faults->synced.clear();
  }
  void lead(const std::string& topic) {
    ASSERT_TRUE(world->log(topic)->start_leader_epoch(LeaderEpoch(5)));
    world->shard.run();
  }
  bool synced(std::string_view word) const {
    return std::ranges::any_of(files.faults->synced, [&](const auto& path) { return path.find(word) != path.npos; });
  }

  FaultFileSystem files;
  std::unique_ptr<LogWorld> world;
};

TEST_F(IdleLogs, AreNotTouchedWhenTheBrokerStopsCleanly) {
  lead("empty");
  ASSERT_TRUE(world->append({.values = {"c"}}));
  ASSERT_TRUE(world->stop());
  EXPECT_TRUE(synced("/events-0"));
  EXPECT_FALSE(synced("/quiet-0"));
  EXPECT_FALSE(synced("/empty-0"));
  ASSERT_TRUE(world->start());
  EXPECT_TRUE(world->log("quiet")->recovery().clean);
  EXPECT_EQ(world->log("quiet")->recovery().segments_scanned, 0U);
  EXPECT_EQ(world->read_all().size(), 2U);
  EXPECT_EQ(world->read_all(Offset(0), 1 << 20, "quiet").size(), 1U);
}

TEST_F(IdleLogs, ThatWereMadeByThisProcessAreNotTouchedEither) {
  lead("new");
  files.faults->synced.clear();
  ASSERT_TRUE(world->stop());
  EXPECT_FALSE(synced("/new-0"));
}

TEST_F(IdleLogs, AreClosedInFullWhenWhatWasFlushedHasYetToBeSealed) {
  ASSERT_TRUE(world->append({.values = {"c"}, .timestamp = TimestampMs(1'700'000'001'000)}));
  world->log()->flush([](const Status& flushed) { EXPECT_TRUE(flushed); });
  world->shard.run();
  files.faults->synced.clear();
  ASSERT_TRUE(world->stop());
  EXPECT_TRUE(synced("/events-0/00000000000000000000.timeindex")) << "it has its last entry now";
  EXPECT_FALSE(synced("/events-0/00000000000000000000.log"));
  ASSERT_TRUE(world->start());
  EXPECT_EQ(world->find_offset(TimestampMs(1'700'000'001'000))->offset, Offset(1));
}

TEST_F(IdleLogs, HaveNoIndexesAsLongAsTheyMayBecome) {
  for (const auto* topic : {"events", "quiet", "empty"}) {
    const auto folder = world->options.directories.front() + "/" + topic + "-0/";
    EXPECT_EQ(file_bytes(folder + "00000000000000000000.index").size(), 0U) << topic;
    EXPECT_LE(file_bytes(folder + "00000000000000000000.timeindex").size(), 12U) << topic;
  }
}

TEST_F(IdleLogs, WithoutRecordsKeepTheFileOfTheirEpochWhenTheyAreLedInItAgain) {
  EXPECT_EQ(world->log("empty")->latest_leader_epoch(), LeaderEpoch::none()) << "no record has it";
  lead("empty");
  EXPECT_FALSE(synced("leader-epoch-checkpoint"));
  EXPECT_EQ(world->log("empty")->latest_leader_epoch(), LeaderEpoch(5));
}

TEST_F(IdleLogs, WithoutRecordsForgetAnEpochForGoodWithTheFirstRecordOfAnotherOne) {
  world->leader_epoch = LeaderEpoch(3);
  auto batch = make_batch({.values = {"x"}, .leader_epoch = world->leader_epoch});
  ASSERT_TRUE(world->append(batch, AppendOrigin::replica, "empty"));
  const auto path = world->options.directories.front() + "/empty-0/" + std::string(leader_epoch_checkpoint_name);
  EXPECT_EQ(read_epoch_checkpoint(files, path).value(), (std::vector<EpochStart>{{LeaderEpoch(3), Offset(0)}}));
}

TEST(ChangedNumbersOfLogs, AreToBeWrittenOnceAfterTheyChanged) {
  ChangedNumbers numbers;
  std::atomic<std::int64_t> offset{0};
  EXPECT_FALSE(numbers.take());
  numbers.publish(offset, 0);
  EXPECT_FALSE(numbers.take()) << "nothing has changed";
  numbers.publish(offset, 5);
  numbers.publish(offset, 6);
  EXPECT_TRUE(numbers.take());
  EXPECT_FALSE(numbers.take());
  numbers.set();
  EXPECT_TRUE(numbers.take()) << "the write has failed";
}

}  // namespace
}  // namespace millrace::log::test

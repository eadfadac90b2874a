// The leader epochs of a log after a start.
#include <gtest/gtest.h>

#include <filesystem>

#include "broker/log/checkpoint_file.h"
#include "test/broker/log/recovery_world.h"

namespace millrace::log::test {
namespace {

struct EpochRecovery : Recovery {
  [[nodiscard]] std::string path() const { return world->partition_path() + "/leader-epoch-checkpoint"; }
  void SetUp() override {
    start();
    for (std::int32_t epoch : {0, 0, 3, 3, 7}) {
      world->leader_epoch = LeaderEpoch(epoch);
      append("epoch " + std::to_string(epoch));
    }
    world->shard.run();
  }
  std::vector<EpochStart> on_disk() { return *read_epoch_checkpoint(posix_file_system(), path()); }
  const std::vector<EpochStart> all{
      {LeaderEpoch(0), Offset(0)}, {LeaderEpoch(3), Offset(2)}, {LeaderEpoch(7), Offset(4)}};
};

TEST_F(EpochRecovery, LearnsTheEpochsThatTheFileDoesNotHave) {
  EXPECT_EQ(on_disk(), all);
  for (bool clean : {false, true}) {
    for (int damage = 0; damage < 3; ++damage) {
      if (clean && damage == 1) continue;  // a clean stop writes it whole
      SCOPED_TRACE(damage);
      if (clean) {
        ASSERT_TRUE(world->stop());
      } else {
        world->kill();
      }
      if (damage == 0) ASSERT_TRUE(posix_file_system().remove(path()));
      if (damage == 1) ASSERT_TRUE(write_epoch_checkpoint(posix_file_system(), path(), {all[0]}));
      if (damage == 2) write_file(path(), as_bytes("0\nthree\n"));
      ASSERT_TRUE(world->start());
      EXPECT_EQ(world->log()->end_offset_for_epoch(LeaderEpoch(3)), (EpochEndOffset{LeaderEpoch(3), Offset(4)}));
      EXPECT_EQ(world->log()->latest_leader_epoch(), LeaderEpoch(7));
      EXPECT_EQ(on_disk(), all) << "and it is written";
    }
  }
}

TEST_F(EpochRecovery, ForgetsEpochsBehindATailThatWasCut) {
  auto bytes = file_bytes(segment(0));
  bytes.pop_back();
  restart_with(bytes);
  EXPECT_EQ(world->log()->latest_leader_epoch(), LeaderEpoch(3));
  EXPECT_EQ(on_disk(), (std::vector<EpochStart>{all[0], all[1]}));
}

// Kafka's LogLoader: truncateFromStartAsyncFlush(logStartOffsetCheckpoint).
TEST_F(EpochRecovery, LeavesWhatIsBelowTheFirstSegmentUntilTheCheckpointOfLogStartsHasPassedIt) {
  start(small_segments());
  for (int number = 0; number < 20; ++number) append(std::to_string(number));
  world->shard.run();
  std::int64_t second = 1;
  while (!std::filesystem::exists(segment(second))) ASSERT_LT(++second, 20);
  const std::vector<EpochStart> from_zero{{LeaderEpoch(0), Offset(0)}};
  const std::vector<EpochStart> from_second{{LeaderEpoch(0), Offset(second)}};
  world->kill();
  for (const auto* suffix : {".log", ".index", ".timeindex"}) std::filesystem::remove(segment(0, suffix));
  ASSERT_TRUE(write_epoch_checkpoint(posix_file_system(), path(), from_zero));
  ASSERT_TRUE(world->start());
  EXPECT_EQ(world->log()->log_start_offset(), Offset(second));
  EXPECT_EQ(on_disk(), from_zero);
  world->kill();
  const PartitionOffsets starts{{{"events", PartitionIndex(0)}, Offset(second)}};
  ASSERT_TRUE(write_offset_checkpoint(posix_file_system(),
                                      world->options.directories.front() + "/log-start-offset-checkpoint", starts));
  ASSERT_TRUE(world->start());
  EXPECT_EQ(on_disk(), from_second);
}

}  // namespace
}  // namespace millrace::log::test

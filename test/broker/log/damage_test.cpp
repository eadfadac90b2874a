// Damage that no checksum covers: the lengths of batches, entries of indexes, numbers of checkpoints.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "test/broker/log/log_world.h"

namespace millrace::log::test {
namespace {

struct Damage : testing::Test {
  void start(const LogConfig& config) {
    world = std::make_unique<LogWorld>(config);
    ASSERT_TRUE(world->start());
  }
  [[nodiscard]] std::string first_segment(std::string_view suffix) const {
    return world->partition_path() + "/00000000000000000000" + std::string(suffix);
  }

  std::unique_ptr<LogWorld> world;
};

TEST_F(Damage, OfALengthInASealedSegmentIsSaidAndNotReadOver) {
  LogConfig config;
  config.segment_bytes = 400;
  start(config);
  for (int number = 0; number < 20; ++number) ASSERT_TRUE(world->append({.values = {std::to_string(number)}}));
  ASSERT_TRUE(world->stop());
  auto bytes = file_bytes(first_segment(".log"));
  const auto first = protocol::parse_batch_prefix(bytes)->size_bytes();
  bytes[first + 8] ^= 0x01;  // the length of the second batch
  write_file(first_segment(".log"), bytes);
  ASSERT_TRUE(world->start());
  ASSERT_TRUE(world->read(Offset(0)));
  auto outcome = world->read(Offset(1));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().kind, ReadErrorKind::storage);
  EXPECT_NE(outcome.error().message.find(first_segment(".log")), std::string::npos) << outcome.error().message;
}

TEST_F(Damage, OfTheLastIndexEntryIsFoundAfterACleanStop) {
  LogConfig config;
  config.index_interval_bytes = 1;
  start(config);
  for (int number = 0; number < 5; ++number) ASSERT_TRUE(world->append({.values = {std::to_string(number)}}));
  ASSERT_TRUE(world->stop());
  auto bytes = file_bytes(first_segment(".index"));
  bytes[bytes.size() - 8] ^= 0x40;  // the entry's offset
  write_file(first_segment(".index"), bytes);
  ASSERT_TRUE(world->start());
  ASSERT_TRUE(world->manager->unusable().empty());
  EXPECT_EQ(world->log()->log_end_offset(), Offset(5));
  for (int number = 5; number < 8; ++number) ASSERT_TRUE(world->append({.values = {std::to_string(number)}}));
  EXPECT_TRUE(world->read(Offset(6)));
}

// What compaction leaves: offsets 0 to 2, 10 to 12, 20 to 22, each in segments of their own.
struct OnceCompacted : Damage {
  void SetUp() override {
    LogConfig config;
    config.segment_bytes = 300;
    start(config);
    for (int base : {0, 10, 20}) {
      for (int number = 0; number < 3; ++number) {
        auto batch = make_batch(
            {.values = {std::string(30, 'x')}, .base_offset = Offset(base + number), .leader_epoch = LeaderEpoch(0)});
        ASSERT_TRUE(world->append(batch, AppendOrigin::replica));
      }
    }
    world->kill();
  }
};

TEST_F(OnceCompacted, LogsKeepWhatIsBehindAGapAfterTheirPolicyHasChanged) {
  write_file(world->data_path() + "/cleaner-offset-checkpoint", as_bytes("0\n1\nevents 0 20\n"));
  ASSERT_TRUE(world->start());
  EXPECT_EQ(world->log()->log_end_offset(), Offset(23));
}

TEST_F(OnceCompacted, LogsOfWhichNobodyKnowsItAreCutWhereRecordsMayHaveBeenLost) {
  ASSERT_TRUE(world->start());
  EXPECT_LT(world->log()->log_end_offset(), Offset(23));
}

}  // namespace
}  // namespace millrace::log::test

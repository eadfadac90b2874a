// What a log remembers of its damage, however much there is of it.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "test/broker/log/bit_flips.h"

namespace millrace::log::test {
namespace {

struct DamageOfALog : testing::Test {
  void find_index_entries(int count) {
    for (int number = 0; number < count; ++number)
      damage.found_index_entry(FoundBy::scrub, Offset(number % 7), "entry " + std::to_string(number));
  }
  void find_batches(int count, Offset segment) {
    for (int number = 0; number < count; ++number)
      damage.found_batch(FoundBy::scrub, segment, "position " + std::to_string(number));
  }

  std::shared_ptr<DamageReports> reports = std::make_shared<DamageReports>();
  LogDamage damage{"events-0", reports};
};

TEST_F(DamageOfALog, MarksItAlsoWhereManyIndexEntriesAreWrong) {
  find_index_entries(5000);
  EXPECT_FALSE(damage.damaged());
  EXPECT_EQ(reports->index_entries(FoundBy::scrub), LogDamage::most_findings);
  find_batches(1, Offset(0));
  EXPECT_TRUE(damage.damaged());
  EXPECT_EQ(reports->batches(FoundBy::scrub), 1U);
  EXPECT_EQ(reports->damaged_logs(), 1);
}

TEST_F(DamageOfALog, OfMoreBatchesThanAreRememberedEndsWithTheLastOfTheirSegments) {
  find_batches(2000, Offset(0));
  find_batches(1, Offset(100));
  EXPECT_EQ(reports->batches(FoundBy::scrub), LogDamage::most_findings);
  damage.forget(Offset(0), Offset(100));
  EXPECT_TRUE(damage.damaged());
  EXPECT_EQ(reports->damaged_logs(), 1);
  damage.forget(Offset(100), Offset(101));
  EXPECT_FALSE(damage.damaged());
  EXPECT_EQ(reports->damaged_logs(), 0);
}

TEST_F(DamageOfALog, IsSaidUpToABound) {
  LogLines lines;
  find_index_entries(5000);
  find_batches(2000, Offset(0));
  const auto said = lines.take_complaints();
  EXPECT_EQ(std::ranges::count(said, '\n'), static_cast<std::ptrdiff_t>(2 * LogDamage::most_said));
  EXPECT_NE(said.find("position 0"), std::string::npos);
  EXPECT_NE(said.find("position 99; what else is found"), std::string::npos);
}

// Of one segment, too.
TEST(SegmentsWithManyWrongIndexEntries, AreSearchedForWrongBatchesToTheirEnd) {
  auto config = small_segments();
  config.segment_bytes = 1 << 20;
  config.index_interval_bytes = 1;
  config.segment_index_bytes = 1 << 20;
  ScrubWorld scrubbed(config);
  auto& world = scrubbed.world;
  ASSERT_TRUE(world.start());
  for (int number = 0; number < 1200; ++number) ASSERT_TRUE(world.append({.values = {"x"}}));
  ASSERT_TRUE(world.append({.values = {std::string(1'000'000, 'x')}}));
  ASSERT_EQ(world.log()->published().segments, 2U);
  const auto path = world.partition_path() + "/00000000000000000000";
  auto index = file_bytes(path + ".index");
  ASSERT_GT(index.size() / 8, SegmentScrub::most_findings);
  for (std::size_t at = 7; at < index.size(); at += 8) ++index[at];
  write_file(path + ".index", index);
  auto batches = file_bytes(path + ".log");
  batches[batches.size() - 1] ^= 1;
  write_file(path + ".log", batches);
  EXPECT_EQ(scrubbed.scrub().size(), SegmentScrub::most_findings + 1);
  EXPECT_EQ(scrubbed.reports().index_entries(FoundBy::scrub), SegmentScrub::most_findings);
  EXPECT_EQ(scrubbed.reports().batches(FoundBy::scrub), 1U);
  EXPECT_TRUE(world.log()->is_damaged());
}

}  // namespace
}  // namespace millrace::log::test

#include "broker/log/journal_space.h"

#include <gtest/gtest.h>

#include "broker/base/manual_shard.h"
#include "test/broker/log/known_log.h"

namespace millrace::log::test {
namespace {

struct JournalSpaces : testing::Test {
  static constexpr std::uint64_t file_bytes = 4 * journal_block_bytes;

  // Fills the file that is written to with a group of `log`.
  void fill(const std::shared_ptr<KnownLog>& log, Offset end) {
    space.take(space.room());
    space.note(log, log->stay, end);
  }
  void change() {
    const auto next = space.free_file();
    ASSERT_TRUE(next);
    space.begin(*next, space.needed_without(*next));
  }

  ManualShard shard;
  JournalSpace space{3, file_bytes, 20};
  std::shared_ptr<KnownLog> one = std::make_shared<KnownLog>(shard);
  std::shared_ptr<KnownLog> two = std::make_shared<KnownLog>(shard);
};

TEST_F(JournalSpaces, GiveWholeBlocksOneBehindTheOther) {
  EXPECT_EQ(space.room(), 3 * journal_block_bytes);
  const auto first = space.take(10);
  const auto second = space.take(journal_block_bytes + 1);
  EXPECT_EQ(first.position, journal_block_bytes);
  EXPECT_EQ(second.position, 2 * journal_block_bytes);
  EXPECT_EQ(first.sequence, 20);
  EXPECT_EQ(second.sequence, 21);
  EXPECT_EQ(space.room(), 0U);
}

TEST_F(JournalSpaces, UseNoPartOfABlockAtTheEndOfAFile) {
  JournalSpace odd(3, file_bytes + 256, 20);
  EXPECT_EQ(JournalSpace::capacity(file_bytes + 256), 3 * journal_block_bytes);
  odd.take(3 * journal_block_bytes);
  EXPECT_EQ(odd.room(), 0U);
}

TEST_F(JournalSpaces, GoOnInAFileWhoseLogsHaveSyncedWhatItHas) {
  fill(one, Offset(10));
  change();
  fill(two, Offset(5));
  change();
  fill(one, Offset(20));
  EXPECT_EQ(space.files_in_use(), 3U);
  EXPECT_FALSE(space.free_file()) << "the oldest is needed";
  EXPECT_EQ(space.laggards(0), (std::vector<JournalSpace::Laggard>{{one, 0}}));
  one->synced = Offset(10);
  EXPECT_EQ(space.free_file(), 0U);
  EXPECT_TRUE(space.laggards(0).empty());
  EXPECT_EQ(space.needed_without(0), 21);
  change();
  EXPECT_EQ(space.current(), 0U);
  EXPECT_EQ(space.needed_from(), 21);
}

TEST_F(JournalSpaces, KeepAYoungerFileWhileAnOlderOneIsNeeded) {
  fill(one, Offset(10));
  change();
  fill(two, Offset(5));
  change();
  fill(one, Offset(20));
  two->synced = Offset(5);
  EXPECT_FALSE(space.free_file()) << "a replay would miss its groups behind those of the older one";
}

TEST_F(JournalSpaces, WaitForNoLogThatHasLeftAndComeBackSince) {
  fill(one, Offset(10));
  one->stay = 1;
  EXPECT_TRUE(space.laggards(0).empty());
  space.note(one, one->stay, Offset(4));
  EXPECT_EQ(space.laggards(0), (std::vector<JournalSpace::Laggard>{{one, 1}}));
  one->synced = Offset(4);
  EXPECT_TRUE(space.laggards(0).empty()) << "what it had before is nobody's";
}

TEST_F(JournalSpaces, WaitForNoLogThatHasGone) {
  fill(one, Offset(10));
  change();
  fill(two, Offset(5));
  change();
  fill(two, Offset(6));
  space.forget(one.get());
  EXPECT_EQ(space.free_file(), 0U);
  change();
  fill(one, Offset(11));
  two.reset();
  EXPECT_EQ(space.free_file(), 1U);
}

}  // namespace
}  // namespace millrace::log::test

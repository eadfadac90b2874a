// The files of a partition's directory before its log is loaded: what interrupted work has left, with the power gone at
// any moment.
#include "broker/log/segment_files.h"

#include <gtest/gtest.h>

#include <map>

#include "broker/base/logging.h"
#include "test/broker/log/crash_file_system.h"
#include "test/broker/log/log_world.h"

namespace millrace::log::test {
namespace {

const std::string folder = "/log";
const std::string at_0 = "00000000000000000000";
const std::string at_3 = "00000000000000000003";
const std::string at_6 = "00000000000000000006";

using Contents = std::map<std::string, std::string>;  // by name

// The bytes of batches with one record each at these offsets.
std::string batches(std::initializer_list<std::int64_t> offsets) {
  std::string all;
  for (auto offset : offsets) all += as_text(make_batch({.values = {"v"}, .base_offset = Offset(offset)}));
  return all;
}

struct SegmentFilesAtStart : testing::Test {
  void SetUp() override { set_log_level(LogLevel::off); }
  void TearDown() override { set_log_level(LogLevel::info); }

  static void put(FileSystem& files, const Contents& contents) {
    ASSERT_TRUE(files.create_directories(folder));
    for (const auto& [name, bytes] : contents) {
      auto file = files.open(folder + "/" + name, OpenMode::read_write_or_create).value();
      ASSERT_TRUE(file->write_at(0, as_bytes(bytes)));
      ASSERT_TRUE(file->sync());
    }
    ASSERT_TRUE(files.sync_directory(folder));
  }
  static Contents contents_of(FileSystem& files) {
    Contents contents;
    const auto entries = files.list(folder).value();
    for (const auto& entry : entries)
      contents[entry.name] = files.read_text(folder + "/" + entry.name, 1 << 20).value();
    return contents;
  }
  static void lose_power(CrashFileSystem& files) {
    files.crash();
    files.restart();
  }
  // Two starts, the first of which ends before any of its changes; then the power goes once more.
  static void expect_always(const Contents& before, const Contents& after) {
    bool crashed = true;
    for (std::uint64_t change = 0; crashed && !HasFailure(); ++change) {
      for (std::uint64_t fate = 0; fate < 10 && !HasFailure(); ++fate) {
        SCOPED_TRACE("change " + std::to_string(change) + ", fate " + std::to_string(fate));
        SeededRandom random(change * 100 + fate);
        CrashFileSystem files(random);
        put(files, before);
        files.crash_after = change;
        const bool tidied = tidy_segment_files(files, folder).has_value();
        crashed = files.crashed();
        EXPECT_NE(tidied, crashed);
        lose_power(files);
        EXPECT_TRUE(tidy_segment_files(files, folder));
        EXPECT_EQ(contents_of(files), after);
        lose_power(files);
        EXPECT_EQ(contents_of(files), after) << "what a start has found to be so, the next one finds, too";
      }
    }
  }

  // Segments that a compaction reads, the one behind them, and what it makes of them.
  const Contents old{{at_0 + ".log", batches({0, 1, 2})}, {at_0 + ".index", "old"},
                     {at_0 + ".timeindex", "old"},        {at_0 + ".txnindex", "old"},
                     {at_3 + ".log", batches({3, 4, 5})}, {at_3 + ".index", "old"},
                     {at_3 + ".timeindex", "old"}};
  const Contents behind{{at_6 + ".log", batches({6})}, {at_6 + ".index", "x"}, {at_6 + ".timeindex", "x"}};
  const Contents compacted{{at_0 + ".log", batches({1, 5})}, {at_0 + ".index", "new"}, {at_0 + ".timeindex", "new"}};
};

Contents operator+(Contents one, const Contents& other) {
  one.insert(other.begin(), other.end());
  return one;
}
Contents renamed(const Contents& contents, const std::string& suffix) {
  Contents with_suffix;
  for (const auto& [name, bytes] : contents) with_suffix[name + suffix] = bytes;
  return with_suffix;
}

TEST_F(SegmentFilesAtStart, OfACompactionThatHadFinishedTakeThePlaceOfTheOldOnes) {
  expect_always(old + behind + renamed(compacted, ".swap"), compacted + behind);
}

TEST_F(SegmentFilesAtStart, OfACompactionThatHadNotFinishedAreRemoved) {
  expect_always(old + behind + renamed(compacted, ".cleaned"), old + behind);
}

TEST_F(SegmentFilesAtStart, OfACompactionThatHadNotFinishedAreRemovedWhenSomeLookFinished) {
  auto left = renamed(compacted, ".cleaned");
  auto log = left.extract(at_0 + ".log.cleaned");
  log.key() = at_0 + ".log.swap";
  left.insert(std::move(log));
  expect_always(old + behind + left, old + behind);
}

// The old ones lose their names one by one, the log file first.
TEST_F(SegmentFilesAtStart, OfTheOldSegmentsAreRemovedWhenTheirLogFileIsGoneAlready) {
  auto left = old;
  left.erase(at_0 + ".log");
  expect_always(left + behind + renamed(compacted, ".swap"), compacted + behind);
}

// From then on only names are missing.
TEST_F(SegmentFilesAtStart, OfACompactionWhoseLogFileHasItsNameGetTheirs) {
  auto left = renamed(compacted, ".swap");
  left.erase(at_0 + ".log.swap");
  expect_always(left + behind + Contents{{at_0 + ".log", compacted.at(at_0 + ".log")}}, compacted + behind);
}

TEST_F(SegmentFilesAtStart, AreListedInOrder) {
  SeededRandom random(1);
  CrashFileSystem files(random);
  put(files,
      old + behind + Contents{{at_6 + ".snapshot", "x"}, {at_3 + ".snapshot", "x"}, {at_3 + ".log.deleted", "x"}});
  const auto found = tidy_segment_files(files, folder);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->segments, (std::vector{Offset(0), Offset(3), Offset(6)}));
  EXPECT_EQ(found->snapshots, (std::vector{Offset(3), Offset(6)}));
}

}  // namespace
}  // namespace millrace::log::test

// The indexes of a segment that ends at the recovery point: believed, completed or refused.
#include "broker/log/index_ends.h"

#include <gtest/gtest.h>

#include <limits>

#include "test/broker/log/crash_file_system.h"
#include "test/broker/log/log_world.h"

namespace millrace::log::test {
namespace {

const std::string folder = "/log";
constexpr TimestampMs noon{1'700'000'000'000};
constexpr std::int64_t base = 10;

// Five batches of one record each, all of one size; indexed from the second on, when the interval is one byte.
struct IndexEnds : testing::Test {
  static constexpr std::int64_t count = 5;
  static constexpr std::size_t offset_entry = OffsetIndex::entry_bytes;
  static constexpr std::size_t time_entry = TimeIndex::entry_bytes;

  void SetUp() override {
    ASSERT_TRUE(files.create_directories(folder));
    write(1);
  }
  // Written, sealed and synced.
  void write(std::int32_t interval) {
    auto segment = at_base();
    ASSERT_TRUE(segment.create(LogConfig()));
    for (std::int64_t number = 0; number < count; ++number) {
      const auto bytes =
          make_batch({.values = {"value"}, .timestamp = noon + number, .base_offset = Offset(base + number)});
      batch_bytes = bytes.size();
      const BatchExtent batch{0, Offset(base + number), noon + number};
      ASSERT_TRUE(segment.append({bytes, {&batch, 1}, noon}, interval));
    }
    ASSERT_TRUE(segment.seal());
    for (const auto& path : {log_path, index_path, time_path}) sync(path);
    ASSERT_TRUE(files.sync_directory(folder));
  }
  LogSegment at_base() { return {cache, folder, Offset(base), LogConfig(), noon}; }
  // What a start that finds it at the recovery point `end` does.
  Status check(std::int64_t end = base + count, std::int32_t interval = 1) {
    auto segment = at_base();
    return segment.load().and_then([&] { return check_index_ends(files, folder, segment, Offset(end), interval); });
  }
  // That it is refused, and why.
  void expect_corrupt(const std::string& why, std::int64_t end = base + count, std::int32_t interval = 1) {
    const auto checked = check(end, interval);
    ASSERT_FALSE(checked) << "it was believed";
    EXPECT_EQ(checked.error().kind, ErrorKind::corrupt);
    EXPECT_NE(checked.error().message.find(why), std::string::npos) << checked.error().message;
  }

  std::string bytes_of(const std::string& path) {
    return files.read_text(path, std::numeric_limits<std::uint64_t>::max()).value();
  }
  void sync(const std::string& path) { ASSERT_TRUE(files.open(path, OpenMode::read_write).value()->sync()); }
  void resize(const std::string& path, std::uint64_t size_bytes) {
    ASSERT_TRUE(files.open(path, OpenMode::read_write).value()->truncate(size_bytes));
    sync(path);
  }
  void append(const std::string& path, BytesView bytes) {
    ASSERT_TRUE(files.open(path, OpenMode::read_write).value()->write_at(bytes_of(path).size(), bytes));
    sync(path);
  }
  void lose_power() {
    files.crash();
    files.restart();
  }

  SeededRandom random{1};
  CrashFileSystem files{random};
  FileCache cache{files, 100};
  const std::string log_path = folder + "/00000000000000000010.log";
  const std::string index_path = folder + "/00000000000000000010.index";
  const std::string time_path = folder + "/00000000000000000010.timeindex";
  std::size_t batch_bytes = 0;
};

TEST_F(IndexEnds, OfTimesAreRefusedWhoseLastEntryIsOfNoBatch) {
  const auto times = bytes_of(time_path);
  resize(time_path, 0);
  append(time_path, std::vector<std::uint8_t>(time_entry));
  expect_corrupt("is of no batch");
  resize(time_path, 0);
  append(time_path, as_bytes(times.substr(0, time_entry)));
  EXPECT_TRUE(check()) << "it is completed";
  EXPECT_EQ(bytes_of(time_path), times.substr(0, time_entry) + times.substr(times.size() - time_entry));
}

TEST_F(IndexEnds, AreBelievedWhereTheyFit) {
  ASSERT_EQ(bytes_of(index_path).size(), (count - 1) * offset_entry);
  ASSERT_EQ(bytes_of(time_path).size(), (count - 1) * time_entry);
  const auto times = bytes_of(time_path);
  EXPECT_TRUE(check());
  EXPECT_EQ(bytes_of(time_path), times);
}

TEST_F(IndexEnds, AreBelievedOfASegmentWithoutRecords) {
  auto segment = at_base();
  ASSERT_TRUE(segment.create(LogConfig()));
  EXPECT_TRUE(check(base + 1));
}

TEST_F(IndexEnds, OfOffsetsAreRefusedBehindTheEndOfTheRecords) {
  // A truncation has taken the last two records, and a larger batch has come in their place.
  const auto interval = static_cast<std::int32_t>(4 * batch_bytes);
  resize(log_path, 3 * batch_bytes);
  const auto larger = make_batch({.values = {std::string(100, 'v')}, .timestamp = noon, .base_offset = Offset(13)});
  append(log_path, larger);
  resize(time_path, 2 * time_entry);
  resize(index_path, 2 * offset_entry);
  EXPECT_TRUE(check(14, interval)) << "the truncations of both indexes have reached the disk";
  Bytes left(offset_entry);
  store_big_endian(left.data(), std::int32_t{4});
  store_big_endian(left.data() + 4, static_cast<std::int32_t>(3 * batch_bytes));
  append(index_path, left);
  expect_corrupt("behind the segment's end", 14, interval);
}

TEST_F(IndexEnds, OfTimesAreRefusedBehindTheEndOfTheRecords) {
  resize(log_path, 3 * batch_bytes);
  resize(index_path, 2 * offset_entry);
  resize(time_path, 2 * time_entry);
  EXPECT_TRUE(check(13)) << "the truncations of both indexes have reached the disk";
  write(1);
  resize(log_path, 3 * batch_bytes);
  resize(index_path, 2 * offset_entry);
  expect_corrupt("behind the segment's end", 13);
}

TEST_F(IndexEnds, AreRefusedWhereEntriesAreMissing) {
  for (std::size_t entries = 0; entries + 1 < count; ++entries) {
    SCOPED_TRACE(entries);
    write(1);
    resize(index_path, entries * offset_entry);
    if (entries + 2 == count) {
      // The last batch would have the entry, and one byte more than the interval lies behind the one before it.
      expect_corrupt("ends before its segment does", base + count, static_cast<std::int32_t>(batch_bytes - 1));
      EXPECT_TRUE(check(base + count, static_cast<std::int32_t>(batch_bytes)));
    }
    expect_corrupt("ends before its segment does");
  }
}

TEST_F(IndexEnds, AreBelievedWhereTheIntervalLeavesEntriesOut) {
  const auto interval = static_cast<std::int32_t>(3 * batch_bytes);
  write(interval);
  ASSERT_EQ(bytes_of(index_path).size(), offset_entry) << "of the last batch";
  EXPECT_TRUE(check(base + count, interval));
  resize(index_path, 0);
  expect_corrupt("ends before its segment does", base + count, interval);
}

TEST_F(IndexEnds, AreNotLookedAtAloneWhereTheLogGoesOnBehindItsLastBatch) {
  const auto batch = make_batch({.values = {"value"}, .timestamp = noon, .base_offset = Offset(base + count)});
  for (const std::size_t left : {std::size_t{1}, batch.size() / 2, batch.size() - 1}) {
    SCOPED_TRACE(left);
    append(log_path, BytesView(batch).first(left));
    expect_corrupt("does not end with a whole batch");
    resize(log_path, count * batch_bytes);
    EXPECT_TRUE(check());
  }
}

// The entry that sealing adds tells how young the records are: retention by time reads it.
TEST_F(IndexEnds, OfTimesGetTheEntryThatASealHasNotBroughtToTheDisk) {
  const auto interval = static_cast<std::int32_t>(2 * batch_bytes);
  for (int fate = 0; fate < 20 && !HasFailure(); ++fate) {
    SCOPED_TRACE(fate);
    write(interval);
    const auto sealed = bytes_of(time_path);
    ASSERT_EQ(sealed.size(), 2 * time_entry);
    resize(time_path, time_entry);
    auto segment = at_base();
    ASSERT_TRUE(segment.load());
    ASSERT_EQ(segment.max_timestamp().timestamp, noon + (count - 2));
    ASSERT_TRUE(check_index_ends(files, folder, segment, Offset(base + count), interval));
    EXPECT_EQ(segment.max_timestamp().timestamp, noon + (count - 1));
    EXPECT_EQ(segment.max_timestamp().offset, Offset(base + count - 1));
    EXPECT_EQ(segment.first_batch_timestamp(), noon);
    EXPECT_EQ(segment.size_bytes(), count * batch_bytes);
    lose_power();
    EXPECT_EQ(bytes_of(time_path), sealed) << "for good: nothing else syncs it";
  }
}

}  // namespace
}  // namespace millrace::log::test

#include <gtest/gtest.h>

#include "broker/log/offset_index.h"
#include "broker/log/time_index.h"
#include "test/broker/log/log_world.h"

namespace millrace::log::test {
namespace {

struct IndexFixture : testing::Test {
  std::shared_ptr<CachedFile> file(const std::string& name) {
    return std::make_shared<CachedFile>(cache, directory.path() + "/" + name);
  }

  TemporaryDirectory directory;
  FileCache cache{posix_file_system(), 100};
};

using OffsetIndexFile = IndexFixture;
using TimeIndexFile = IndexFixture;

TEST_F(OffsetIndexFile, HoldsRelativeOffsetAndPositionBigEndian) {
  OffsetIndex index(Offset(1000), file("i"), 1024);
  ASSERT_TRUE(index.create());
  index.append(Offset(1005), 4096);
  index.append(Offset(1260), 0x01020304);
  ASSERT_TRUE(index.trim());
  EXPECT_EQ(file_bytes(directory.path() + "/i"), (Bytes{0, 0, 0, 5, 0, 0, 0x10, 0, 0, 0, 1, 4, 1, 2, 3, 4}));
}

TEST_F(OffsetIndexFile, IsAsLongAsItMayBecomeFromItsFirstEntryUntilItIsTrimmed) {
  OffsetIndex index(Offset(0), file("i"), 1023);
  ASSERT_TRUE(index.create());
  EXPECT_EQ(file_bytes(directory.path() + "/i").size(), 0U);
  index.append(Offset(1), 10);
  ASSERT_TRUE(index.write_pending());
  EXPECT_EQ(file_bytes(directory.path() + "/i").size(), 1016U);
  ASSERT_TRUE(index.trim());
  EXPECT_EQ(file_bytes(directory.path() + "/i").size(), 8U);
}

TEST_F(OffsetIndexFile, IsToBeSyncedOnlyAfterItWasWrittenTo) {
  OffsetIndex index(Offset(0), file("i"), 1024);
  ASSERT_TRUE(index.create());
  ASSERT_TRUE(index.trim());
  EXPECT_FALSE(index.take_unsynced()) << "it is empty";
  index.append(Offset(1), 10);
  EXPECT_FALSE(index.take_unsynced()) << "the entry waits in memory";
  ASSERT_TRUE(index.write_pending());
  EXPECT_TRUE(index.take_unsynced());
  EXPECT_FALSE(index.take_unsynced());
  ASSERT_TRUE(index.trim());
  EXPECT_TRUE(index.take_unsynced()) << "it was cut";
  ASSERT_TRUE(index.trim());
  EXPECT_FALSE(index.take_unsynced()) << "nothing was left to cut";
  ASSERT_TRUE(index.create());
  EXPECT_TRUE(index.take_unsynced()) << "it was emptied";
}

TEST_F(OffsetIndexFile, FindsTheLastEntryAtOrBelowAnOffsetInMemoryAndOnDisk) {
  OffsetIndex index(Offset(100), file("i"), 1 << 20);
  ASSERT_TRUE(index.create());
  for (std::uint32_t number = 1; number <= 5000; ++number) index.append(Offset(100 + number * 10), number * 100);
  ASSERT_TRUE(index.write_pending());
  for (auto target : {100, 105, 109, 110, 111, 119, 120, 2000, 30000, 50099, 50100, 60000}) {
    auto expected = target < 110
                        ? OffsetIndexEntry{Offset(100), 0}
                        : OffsetIndexEntry{Offset(std::min(50100, target / 10 * 10)),
                                           static_cast<std::uint32_t>(std::min(50100, target / 10 * 10) - 100) * 10};
    EXPECT_EQ(*index.view().lookup(Offset(target)), expected) << target;
    if (auto hot = index.lookup_in_memory(Offset(target))) EXPECT_EQ(*hot, expected) << target;
  }
  EXPECT_FALSE(index.lookup_in_memory(Offset(105)).has_value()) << "entries that left the memory are not guessed at";
  EXPECT_TRUE(index.lookup_in_memory(Offset(50000)).has_value());
}

TEST_F(OffsetIndexFile, ForgetsWhatIsInMemoryOnceTheFileHasIt) {
  OffsetIndex index(Offset(100), file("i"), 1 << 20);
  ASSERT_TRUE(index.create());
  for (int number = 1; number <= 100; ++number) index.append(Offset(100 + number), static_cast<std::uint32_t>(number));
  index.forget();
  ASSERT_TRUE(index.lookup_in_memory(Offset(150))) << "the file does not have all of them";
  ASSERT_TRUE(index.trim());
  index.forget();
  EXPECT_FALSE(index.lookup_in_memory(Offset(150)));
  auto found = index.view().lookup(Offset(150));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->position, 50U);
}

TEST_F(OffsetIndexFile, IsFullAtItsSizeAndNotBefore) {
  OffsetIndex index(Offset(0), file("i"), 16);
  ASSERT_TRUE(index.create());
  index.append(Offset(1), 10);
  EXPECT_FALSE(index.full());
  index.append(Offset(2), 20);
  EXPECT_TRUE(index.full());
}

TEST_F(OffsetIndexFile, RefusesAFileThatCannotBeRight) {
  auto load = [&](const Bytes& bytes, std::uint64_t log_size) {
    write_file(directory.path() + "/bad", bytes);
    OffsetIndex index(Offset(10), file("bad"), 1024);
    return index.load(log_size);
  };
  EXPECT_TRUE(load({}, 0));
  EXPECT_TRUE(load({0, 0, 0, 5, 0, 0, 0, 9}, 10));
  EXPECT_EQ(load({0, 0, 0, 5, 0, 0, 0}, 10).error().kind, ErrorKind::corrupt) << "half an entry";
  EXPECT_EQ(load({0, 0, 0, 5, 0, 0, 0, 10}, 10).error().kind, ErrorKind::corrupt) << "behind the log's end";
  EXPECT_EQ(load({0xff, 0, 0, 5, 0, 0, 0, 1}, 10).error().kind, ErrorKind::corrupt) << "below the base offset";
  EXPECT_EQ(load({0, 0, 0, 5, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0}, 10).error().kind, ErrorKind::corrupt)
      << "never trimmed";
  OffsetIndex absent(Offset(0), file("absent"), 1024);
  EXPECT_EQ(absent.load(10).error().kind, ErrorKind::not_found);
}

TEST_F(OffsetIndexFile, LeavesEntriesOutWhileTheDiskTakesNone) {
  FaultFileSystem files;
  FileCache faulty(files, 10);
  OffsetIndex index(Offset(0), std::make_shared<CachedFile>(faulty, directory.path() + "/i"), 1 << 20);
  ASSERT_TRUE(index.create());
  files.faults->writable_bytes = 0;
  for (std::uint32_t number = 1; number <= 10'000; ++number) index.append(Offset(number), number);
  EXPECT_LT(index.entries(), 10'000U) << "memory is bounded";
  files.faults->writable_bytes = Faults::none;
  ASSERT_TRUE(index.trim());
  auto last = index.last_offset();
  EXPECT_EQ(index.view().lookup(Offset(20'000))->offset, last);
}

TEST_F(TimeIndexFile, HoldsTimestampAndRelativeOffsetBigEndian) {
  TimeIndex index(Offset(1000), file("t"), 1024);
  ASSERT_TRUE(index.create());
  index.maybe_append(TimestampMs(0x0102030405060708), Offset(1003));
  ASSERT_TRUE(index.write_pending());
  EXPECT_EQ(file_bytes(directory.path() + "/t").size(), 1020U);
  ASSERT_TRUE(index.trim());
  EXPECT_EQ(file_bytes(directory.path() + "/t"), (Bytes{1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 3}));
}

TEST_F(TimeIndexFile, TakesOnlyLargerTimestamps) {
  TimeIndex index(Offset(0), file("t"), 1024);
  ASSERT_TRUE(index.create());
  index.maybe_append(TimestampMs(10), Offset(1));
  index.maybe_append(TimestampMs(10), Offset(2));
  index.maybe_append(TimestampMs(9), Offset(3));
  index.maybe_append(TimestampMs(11), Offset(4));
  ASSERT_TRUE(index.write_pending());
  EXPECT_EQ(index.entries(), 2U);
  EXPECT_EQ(*index.view().lookup(TimestampMs(9)), (TimeIndexEntry{TimestampMs::none(), Offset(0)}));
  EXPECT_EQ(*index.view().lookup(TimestampMs(10)), (TimeIndexEntry{TimestampMs(10), Offset(1)}));
  EXPECT_EQ(*index.view().lookup(TimestampMs(99)), (TimeIndexEntry{TimestampMs(11), Offset(4)}));
}

TEST_F(TimeIndexFile, KeepsOnePlaceForTheLastEntry) {
  TimeIndex index(Offset(0), file("t"), 36);
  ASSERT_TRUE(index.create());
  index.maybe_append(TimestampMs(1), Offset(1));
  EXPECT_FALSE(index.full());
  index.maybe_append(TimestampMs(2), Offset(2));
  EXPECT_TRUE(index.full());
  index.maybe_append(TimestampMs(3), Offset(3));
  EXPECT_EQ(index.entries(), 2U);
  index.append_last(TimestampMs(4), Offset(4));
  EXPECT_EQ(index.entries(), 3U);
  EXPECT_EQ(index.last(), (TimeIndexEntry{TimestampMs(4), Offset(4)}));
}

TEST_F(TimeIndexFile, RefusesAFileThatCannotBeRight) {
  auto load = [&](const Bytes& bytes) {
    write_file(directory.path() + "/bad", bytes);
    TimeIndex index(Offset(10), file("bad"), 1024);
    return index.load();
  };
  const Bytes entry{0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 5};
  auto followed_by = [&](const Bytes& more) {
    Bytes both = entry;
    both.insert(both.end(), more.begin(), more.end());
    return both;
  };
  EXPECT_TRUE(load(entry));
  EXPECT_TRUE(load(followed_by({0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 5})));
  EXPECT_EQ(load(followed_by(Bytes(12, 0))).error().kind, ErrorKind::corrupt) << "never trimmed";
  EXPECT_EQ(load(followed_by({0})).error().kind, ErrorKind::corrupt) << "half an entry";
  EXPECT_EQ(load(Bytes(24, 0)).error().kind, ErrorKind::corrupt) << "nothing but zeros";
}

TEST(FileCache, KeepsNoMoreFilesOpenThanItsBound) {
  TemporaryDirectory directory;
  FileCache cache(posix_file_system(), 3);
  std::vector<std::unique_ptr<CachedFile>> files;
  for (int number = 0; number < 10; ++number) {
    files.push_back(std::make_unique<CachedFile>(cache, directory.path() + "/" + std::to_string(number)));
    ASSERT_TRUE(files.back()->open(OpenMode::read_write_or_create));
    EXPECT_LE(cache.open_files(), 3U);
  }
  auto held = files[0]->open();
  ASSERT_TRUE(held);
  for (auto& file : files) ASSERT_TRUE(file->open());
  EXPECT_TRUE((*held)->write_at(0, as_bytes("still open"))) << "who holds a file keeps it";
  files.clear();
  EXPECT_EQ(cache.open_files(), 0U);
}

}  // namespace
}  // namespace millrace::log::test

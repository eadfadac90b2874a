#include "test/sim/simulated_disk.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>

#include "broker/base/durable_directories.h"
#include "test/sim/simulated_files.h"

namespace millrace::sim {
namespace {

using Data = PowerLoss::Data;
using Names = PowerLoss::Names;

struct SimulatedDiskTest : testing::Test {
  void SetUp() override {
    ASSERT_TRUE(files->create_directories("/a"));
    ASSERT_TRUE(files->sync_directory(""));
  }
  std::shared_ptr<File> open(const std::string& path, OpenMode mode = OpenMode::read_write_or_create) {
    auto file = files->open(path, mode);
    EXPECT_TRUE(file) << file.error().message;
    return file.value_or(nullptr);
  }
  // With content that is synced, and its name, too.
  std::shared_ptr<File> synced(const std::string& path, const std::string& text) {
    auto file = open(path);
    EXPECT_TRUE(file->write_at(0, as_bytes(text)));
    EXPECT_TRUE(file->sync());
    EXPECT_TRUE(files->sync_directory(path.substr(0, path.rfind('/'))));
    return file;
  }
  std::string text(const std::string& path) { return files->read_text(path, 1 << 20).value_or("none"); }
  void lose_power(const PowerLoss& loss) {
    disk.lose_power(loss);
    files = disk.start_process();
  }

  SeededRandom random{1};
  ManualClock clock;
  SimulatedDisk disk{random, clock};
  std::unique_ptr<SimulatedFiles> files = disk.start_process();
};

TEST_F(SimulatedDiskTest, LosesWhatWasNotSyncedAndNothingElse) {
  auto file = synced("/a/x", "synced");
  ASSERT_TRUE(file->write_at(6, as_bytes(" and not")));
  auto nameless = open("/a/y");
  ASSERT_TRUE(nameless->write_at(0, as_bytes("bytes without a name")));
  ASSERT_TRUE(nameless->sync());
  EXPECT_EQ(text("/a/x"), "synced and not");
  lose_power({Data::lost, Names::lost});
  EXPECT_EQ(text("/a/x"), "synced");
  EXPECT_EQ(text("/a/y"), "none") << "its directory was not synced";
  EXPECT_FALSE(file->write_at(0, as_bytes("?"))) << "the process that had it open has ended";
}

TEST_F(SimulatedDiskTest, KeepsWhatAProcessWroteThatWasKilled) {
  auto file = open("/a/x");
  ASSERT_TRUE(file->write_at(0, as_bytes("page cache")));
  files->end();
  EXPECT_FALSE(file->sync());
  files = disk.start_process();
  EXPECT_EQ(text("/a/x"), "page cache");
}

TEST_F(SimulatedDiskTest, LosesAWholeTreeWhoseDirectoryWasNotSynced) {
  ASSERT_TRUE(files->create_directories("/a/b/c"));
  (void)synced("/a/b/c/x", "synced");
  lose_power({Data::lost, Names::lost});
  EXPECT_FALSE(*files->exists("/a/b"));
}

TEST_F(SimulatedDiskTest, RenamesDirectoriesAndBringsThemBackWhenThatWasNotSynced) {
  ASSERT_TRUE(files->create_directories("/a/b"));
  (void)synced("/a/b/x", "synced");
  ASSERT_TRUE(files->sync_directory("/a"));
  ASSERT_TRUE(files->rename("/a/b", "/a/c"));
  EXPECT_EQ(text("/a/c/x"), "synced");
  auto other = disk.fork(random, clock);
  other->lose_power({Data::lost, Names::lost});
  EXPECT_EQ(other->start_process()->read_text("/a/b/x", 100).value_or("none"), "synced");
  lose_power({Data::lost, Names::kept});
  EXPECT_EQ(text("/a/c/x"), "synced");
}

TEST_F(SimulatedDiskTest, MayKeepALaterWriteAndLoseAnEarlierOne) {
  (void)synced("/a/x", std::string(8192, '0'));
  (void)synced("/a/y", "0");
  auto x = open("/a/x");
  auto y = open("/a/y");
  ASSERT_TRUE(x->write_at(0, as_bytes("1")));
  ASSERT_TRUE(x->write_at(4096, as_bytes("1")));
  ASSERT_TRUE(y->write_at(0, as_bytes("1")));
  std::set<std::string> seen;
  for (int time = 0; time < 200; ++time) {
    auto other = disk.fork(random, clock);
    other->lose_power({Data::pages, Names::kept});
    auto there = other->start_process();
    const auto pages = *there->read_text("/a/x", 10'000);
    seen.insert({pages[0], pages[4096], *there->read_text("/a/y", 1)->data()});
  }
  EXPECT_EQ(seen.size(), 8U) << "every combination";
  EXPECT_EQ(text("/a/y"), "1") << "forks are disks of their own";
}

TEST_F(SimulatedDiskTest, TearsTheLastWrite) {
  auto file = synced("/a/x", "");
  ASSERT_TRUE(file->write_at(0, as_bytes("abcdef")));
  std::set<std::string> seen;
  for (int time = 0; time < 200; ++time) {
    auto other = disk.fork(random, clock);
    other->lose_power({Data::in_order, Names::kept});
    seen.insert(*other->start_process()->read_text("/a/x", 100));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"", "a", "ab", "abc", "abcd", "abcde", "abcdef"}));
}

TEST_F(SimulatedDiskTest, LeavesZerosWhereAFileGrewAndItsBytesWereLost) {
  auto file = synced("/a/x", "");
  ASSERT_TRUE(file->write_at(0, as_bytes(std::string(4096, 'a'))));
  ASSERT_TRUE(file->write_at(4096, as_bytes("b")));
  bool zeros = false;
  for (int time = 0; time < 100; ++time) {
    auto other = disk.fork(random, clock);
    other->lose_power({Data::pages, Names::kept});
    const auto left = *other->start_process()->read_text("/a/x", 10'000);
    zeros |= left.size() == 4097 && left[0] == 0 && left[4096] == 'b';
  }
  EXPECT_TRUE(zeros);
}

TEST_F(SimulatedDiskTest, LosesNamesInOrderOrAnyOfThem) {
  for (auto name : {"/a/1", "/a/2", "/a/3"}) (void)open(name);
  std::set<std::size_t> in_order;
  std::set<std::size_t> any;
  for (int time = 0; time < 300; ++time) {
    for (auto names : {Names::in_order, Names::any}) {
      auto other = disk.fork(random, clock);
      other->lose_power({Data::lost, names});
      std::size_t left = 0;
      for (const auto& path : other->files_below("/a")) left |= 1U << (path.back() - '1');
      (names == Names::any ? any : in_order).insert(left);
    }
  }
  EXPECT_EQ(in_order, (std::set<std::size_t>{0, 1, 3, 7}));
  EXPECT_EQ(any.size(), 8U);
}

TEST_F(SimulatedDiskTest, DropsWhatAFailedSyncWasToWriteAndShowsItUntilThePowerGoes) {
  auto file = synced("/a/x", "1");
  ASSERT_TRUE(file->write_at(1, as_bytes("2")));
  disk.fail({.calls = {DiskCall::sync}, .matches = [](const auto& path) { return path == "/a/x"; }, .times = 1});
  auto failed = file->sync();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::io);
  ASSERT_TRUE(file->write_at(2, as_bytes("3")));
  EXPECT_TRUE(file->sync()) << "Linux tells it once";
  EXPECT_EQ(text("/a/x"), "123");
  EXPECT_TRUE(disk.lost_pages());
  lose_power({Data::kept, Names::kept});
  EXPECT_EQ(text("/a/x"), std::string("1\0003", 3));
}

TEST_F(SimulatedDiskTest, FailsCallsByPathAndCount) {
  disk.fail({.calls = {DiskCall::read}, .matches = [](const auto& path) { return path == "/a/x"; }, .after = 1});
  auto file = synced("/a/x", "1");
  std::vector<std::uint8_t> byte(1);
  EXPECT_TRUE(file->read_at(0, byte));
  EXPECT_FALSE(file->read_at(0, byte));
  EXPECT_TRUE(synced("/a/y", "1")->read_at(0, byte));
  disk.heal();
  EXPECT_TRUE(file->read_at(0, byte));
}

TEST_F(SimulatedDiskTest, HasNotAllThatIsReadInThePageCache) {
  const std::string content(5'000, 'c');
  auto file = synced("/a/x", content);
  disk.fail({.calls = {DiskCall::read}, .matches = nullptr});
  std::map<std::size_t, int> counts;
  std::vector<std::uint8_t> into(6'000);
  for (int time = 0; time < 1'000; ++time) {
    const auto count = file->read_at_if_cached(0, into);
    ++counts[count];
    ASSERT_EQ(as_text(BytesView(into).first(count)), content.substr(0, count));
  }
  ASSERT_EQ(counts.size(), 3U) << "nothing, a page or all";
  EXPECT_GT(counts[0], 10);
  EXPECT_GT(counts[4'096], 10);
  EXPECT_GT(counts[5'000], 700);
  EXPECT_EQ(disk.cached_reads() + disk.uncached_reads(), 1'000U);
  files->end();
  EXPECT_EQ(file->read_at_if_cached(0, into), 0U);
}

TEST_F(SimulatedDiskTest, IsFullWhenItsPagesAreUsed) {
  SimulatedDisk small(random, clock);
  small.add_volume("/full", 4 * 4096);
  auto process = small.start_process();
  auto file = process->open("/full/x", OpenMode::create_new).value();
  ASSERT_TRUE(file->preallocate(3 * 4096));
  EXPECT_EQ(small.used_bytes("/full/x"), 3 * 4096U);
  auto other = process->open("/full/y", OpenMode::create_new).value();
  auto written = other->write_at(0, as_bytes(std::string(5000, 'a')));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::no_space);
  EXPECT_EQ(*other->size_bytes(), 4096U) << "what fits is there";
  EXPECT_TRUE(file->write_at(0, as_bytes(std::string(3 * 4096, 'a')))) << "what was preallocated is";
  EXPECT_FALSE(file->preallocate(4 * 4096));
  ASSERT_TRUE(process->remove("/full/x"));
  EXPECT_FALSE(other->write_at(4096, as_bytes("a"))) << "a file that is open keeps its space";
  file.reset();
  EXPECT_EQ(small.used_bytes("/full"), 4096U);
  EXPECT_TRUE(other->write_at(4096, as_bytes("a")));
  EXPECT_TRUE(process->create_directories("/elsewhere")) << "and other volumes have space";
}

TEST_F(SimulatedDiskTest, LocksPerProcess) {
  auto lock = files->lock("/a/.lock");
  ASSERT_TRUE(lock);
  auto other = disk.start_process();
  auto refused = other->lock("/a/.lock");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
  files->end();
  EXPECT_TRUE(other->lock("/a/.lock"));
}

TEST_F(SimulatedDiskTest, FlipsBitsThatASyncDoesNotPutRight) {
  auto file = synced("/a/x", "a");
  ASSERT_TRUE(disk.flip_bit("/a/x", 0, 1));
  EXPECT_FALSE(disk.flip_bit("/a/x", 1, 1));
  EXPECT_EQ(text("/a/x"), "c");
  lose_power({Data::lost, Names::lost});
  EXPECT_EQ(text("/a/x"), "c");
}

TEST_F(SimulatedDiskTest, TellsWhenAFileWasChangedByItsClock) {
  auto file = open("/a/x");
  clock.advance(std::chrono::seconds(5));
  ASSERT_TRUE(file->write_at(0, as_bytes("a")));
  EXPECT_EQ(file->status()->modified, clock.wall_clock());
  ASSERT_TRUE(file->set_modified(TimestampMs(7)));
  EXPECT_EQ(file->status()->modified, TimestampMs(7));
}

TEST_F(SimulatedDiskTest, RemovesTreesAndRefusesDirectoriesThatAreNotEmpty) {
  ASSERT_TRUE(files->create_directories("/a/b/c"));
  (void)open("/a/b/c/x");
  EXPECT_FALSE(files->remove("/a/b"));
  EXPECT_TRUE(files->remove_all("/a/b"));
  EXPECT_FALSE(*files->exists("/a/b"));
  EXPECT_TRUE(files->remove_all("/a/b"));
}

TEST_F(SimulatedDiskTest, KeepsDirectoriesThatWereMadeToStay) {
  ASSERT_TRUE(make_durable_directories(*files, "/a/b/c/"));
  ASSERT_TRUE(make_durable_directories(*files, "/d"));
  lose_power({Data::lost, Names::lost});
  EXPECT_TRUE(*files->exists("/a/b/c"));
  EXPECT_TRUE(*files->exists("/d"));
}

}  // namespace
}  // namespace millrace::sim

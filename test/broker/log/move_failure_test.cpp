// Moves between log directories that meet failing disks, and directories that an interrupted one has left.
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>

#include "broker/base/logging.h"
#include "broker/log/partition_metadata_file.h"
#include "broker/log/takeover_file.h"
#include "test/broker/log/failing_files.h"
#include "test/broker/log/move_world.h"

namespace millrace::log::test {
namespace {

namespace fs = std::filesystem;

struct Quiet : testing::Test {
  void SetUp() override { set_log_level(LogLevel::off); }
  void TearDown() override { set_log_level(LogLevel::info); }
};

// A move in which one of the two disks fails with its n-th call, and stays so until the next start.
class BrokenMove {
 public:
  BrokenMove(bool target_fails, int call) : target_fails_(target_fails), call_(call) {
    EXPECT_TRUE(world_.start_all());
    world_.fill(5);
    EXPECT_TRUE(world_.manager->write_checkpoints());
  }

  // Whether the disk has failed before the move was over.
  bool run() {
    const auto failing = target_fails_ ? world_.second() : world_.first();
    const auto before = world_.read_all();
    files_.calls->fault = [this, failing](std::string_view /*call*/, const std::string& path) {
      if (!path.starts_with(failing + "/") && path != failing) return std::optional<ErrorKind>();
      return calls_++ >= call_ ? std::optional(ErrorKind::io) : std::nullopt;
    };
    (void)world_.ask(world_.second());
    world_.finish();
    const bool failed = !world_.manager->is_online(failing);
    EXPECT_EQ(failed, calls_ > call_);
    if (!failed) files_.calls->fault = nullptr;
    check(before);
    return failed;
  }

 private:
  // It serves unless its own disk is the broken one. After the repair and a start there is one log, with everything.
  void check(std::vector<ReadRecord> records) {
    const bool serves = world_.manager->is_online(world_.place());
    EXPECT_EQ(serves, !world_.log()->is_offline());
    if (serves) {
      EXPECT_EQ(world_.read_all(), records);
      const auto appended = world_.append({.values = {"more"}});
      EXPECT_TRUE(appended) << appended.error().message;
      if (appended) records.push_back({appended->base_offset, "more"});
    }
    files_.calls->fault = nullptr;
    (void)world_.stop();
    const auto started = world_.start_all();
    ASSERT_TRUE(started) << started.error().message;
    EXPECT_TRUE(world_.manager->unusable().empty());
    EXPECT_EQ(world_.read_all(), records);
    world_.finish();
    EXPECT_EQ(world_.hosted().size(), 1U);
    EXPECT_EQ(world_.read_all(), records);
    world_.move_to(world_.other_than(world_.place()));
    EXPECT_EQ(world_.read_all(), records);
  }

  const bool target_fails_;
  const int call_;
  int calls_ = 0;
  FailingFileSystem files_;
  MoveWorld world_{LogConfig{}, files_};
};

struct FailingMoves : Quiet {};

void expect_survival_of_each_failure(bool target_fails) {
  bool failed = true;
  for (int call = 0; failed && !testing::Test::HasFailure(); ++call) {
    SCOPED_TRACE(call);
    ASSERT_LT(call, 500);
    failed = BrokenMove(target_fails, call).run();
  }
}

TEST_F(FailingMoves, LoseNothingWhicheverCallOfTheTargetFails) { expect_survival_of_each_failure(true); }
TEST_F(FailingMoves, LoseNothingWhicheverCallOfTheSourceFails) { expect_survival_of_each_failure(false); }

TEST_F(FailingMoves, AreNotBegunWhileAnotherDirectoryIsOffline) {
  FailingFileSystem files;
  MoveWorld world{LogConfig{}, files};
  const auto third = world.directory.path() + "/data3";
  world.options.directories.push_back(third);
  files.calls->fault = [&](std::string_view, const std::string& path) {
    return path.starts_with(third) ? std::optional(ErrorKind::io) : std::nullopt;
  };
  ASSERT_TRUE(world.start_all());
  world.fill(1);
  EXPECT_EQ(world.ask(third), MoveRefusal::offline);
  EXPECT_EQ(world.ask(world.second()), MoveRefusal::offline) << "a copy may be in the directory that is offline";
  EXPECT_EQ(world.ask(world.first()), std::nullopt) << "it is there";
}

struct FoundDirectories : Quiet {
  void fill_and_stop() {
    ASSERT_TRUE(world.start_all());
    world.fill(3);
    records = world.read_all();
    ASSERT_TRUE(world.stop());
  }
  [[nodiscard]] std::string one() const { return world.first() + "/events-0"; }
  [[nodiscard]] std::string two() const { return world.second() + "/events-0"; }
  void copy_to_second() { fs::copy(one(), two(), fs::copy_options::recursive); }
  // Something that only this directory has.
  void mark(const std::string& path) { write_file(path + "/mark", as_bytes("this one")); }

  FileSystem& files = posix_file_system();
  MoveWorld world;
  std::vector<ReadRecord> records;
};

TEST_F(FoundDirectories, OfOnePartitionAreToldApartByTheirTakeovers) {
  for (const auto& [first, second] : {std::pair{0, 1}, {2, 1}, {3, 0}, {9, 10}}) {
    SCOPED_TRACE(second);
    fs::remove_all(world.first());
    fs::remove_all(world.second());
    fill_and_stop();
    copy_to_second();
    mark(first > second ? one() : two());
    if (first > 0) ASSERT_TRUE(write_takeover(files, one(), static_cast<std::uint64_t>(first)));
    if (second > 0) ASSERT_TRUE(write_takeover(files, two(), static_cast<std::uint64_t>(second)));
    ASSERT_TRUE(world.start_all());
    EXPECT_EQ(world.place(), first > second ? world.first() : world.second());
    EXPECT_TRUE(fs::exists(world.place() + "/events-0/mark"));
    EXPECT_FALSE(fs::exists(world.place() + "/events-0/takeover"));
    EXPECT_FALSE(fs::exists(world.other_than(world.place()) + "/events-0"));
    EXPECT_EQ(world.read_all(), records);
    ASSERT_TRUE(world.stop());
  }
}

TEST_F(FoundDirectories, OfOnePartitionWithoutATakeoverStopTheStart) {
  fill_and_stop();
  copy_to_second();
  for (const bool equal : {false, true}) {
    if (equal) {
      ASSERT_TRUE(write_takeover(files, one(), 4));
      ASSERT_TRUE(write_takeover(files, two(), 4));
    }
    const auto started = world.start_all();
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().kind, ErrorKind::conflict);
    EXPECT_TRUE(fs::exists(one() + "/00000000000000000000.log"));
    EXPECT_TRUE(fs::exists(two() + "/00000000000000000000.log"));
  }
}

TEST_F(FoundDirectories, KeepTheirTakeoverWhileAnotherOneIsOffline) {
  fill_and_stop();
  ASSERT_TRUE(write_takeover(files, one(), 1));
  fs::rename(world.second(), world.second() + "-away");
  write_file(world.second(), as_bytes("no directory"));
  ASSERT_TRUE(world.start_all());
  EXPECT_TRUE(fs::exists(one() + "/takeover"));
  ASSERT_TRUE(world.stop());
  fs::remove(world.second());
  fs::rename(world.second() + "-away", world.second());
  ASSERT_TRUE(world.start_all());
  EXPECT_FALSE(fs::exists(one() + "/takeover"));
}

TEST_F(FoundDirectories, OfTopicsThatAreUnknownBecomeStrays) {
  ASSERT_TRUE(world.start_all());
  world.fill(1);
  (void)world.append(make_batch({.values = {"kept"}}), AppendOrigin::client, "kept");
  ASSERT_TRUE(world.stop());
  const auto all = [](const TopicPartition&, const TopicId&) { return true; };
  ASSERT_TRUE(world.start_all(all));
  EXPECT_EQ(world.hosted().size(), 1U);
  ASSERT_TRUE(world.stop());
  std::vector<TopicId> asked;
  ASSERT_TRUE(world.start_all([&](const TopicPartition& partition, const TopicId& id) {
    asked.push_back(id);
    return partition.topic == "kept";
  }));
  EXPECT_EQ(asked, (std::vector<TopicId>{world.topic_id, world.topic_id}));
  EXPECT_TRUE(world.hosted().empty());
  EXPECT_EQ(world.hosted("kept").size(), 1U);
  EXPECT_FALSE(fs::exists(one()));
  const auto strays = MoveWorld::names_ending(world.first(), "-stray");
  ASSERT_EQ(strays.size(), 1U);
  EXPECT_TRUE(strays.front().starts_with("events-0."));
  EXPECT_TRUE(fs::exists(world.first() + "/" + strays.front() + "/00000000000000000000.log"));
  ASSERT_TRUE(world.stop());
  ASSERT_TRUE(world.start_all(all));
  EXPECT_TRUE(world.hosted().empty());
  EXPECT_EQ(MoveWorld::names_ending(world.first(), "-stray"), strays) << "they are left alone";
}

// A topic that was deleted and made again while the directory of its first life was offline.
TEST_F(FoundDirectories, OfTheSameNameAreToldApartByTheTopicsId) {
  fill_and_stop();
  copy_to_second();
  const TopicId other{{9, 9, 9, 9}};
  ASSERT_TRUE(write_partition_metadata(files, one(), other));
  ASSERT_TRUE(world.start_all([&](const TopicPartition&, const TopicId& id) { return id == world.topic_id; }));
  EXPECT_EQ(world.place(), world.second());
  EXPECT_EQ(world.read_all(), records);
  EXPECT_EQ(MoveWorld::names_ending(world.first(), "-stray").size(), 1U);
}

TEST_F(FoundDirectories, OfCopiesWithoutALogAreLeftAlone) {
  fill_and_stop();
  fs::rename(one(), world.first() + "/events-0.0123456789abcdef0123456789abcdef-future");
  ASSERT_TRUE(world.start_all());
  EXPECT_TRUE(world.hosted().empty());
  EXPECT_EQ(world.log()->log_end_offset(), Offset(0));
  EXPECT_EQ(MoveWorld::names_ending(world.first(), "-future").size(), 1U);
}

TEST_F(FoundDirectories, OfDamagedCopiesAreRemoved) {
  ASSERT_TRUE(world.start_all());
  world.fill(5);
  world.begin_move(world.second());
  ASSERT_TRUE(world.stop());
  const auto copies = MoveWorld::names_ending(world.second(), "-future");
  ASSERT_EQ(copies.size(), 1U);
  write_file(world.second() + "/" + copies.front() + "/partition.metadata", as_bytes("damaged"));
  ASSERT_TRUE(world.start_all());
  world.finish();
  EXPECT_EQ(world.hosted(), std::vector<std::string>{"now " + world.first()});
  EXPECT_TRUE(MoveWorld::names_ending(world.second(), "-future").empty());
  world.move_to(world.second());
}

}  // namespace
}  // namespace millrace::log::test

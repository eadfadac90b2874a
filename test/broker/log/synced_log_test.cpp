// Appends with flush.messages=1, from the append to its answer.
#include <gtest/gtest.h>

#include "test/broker/log/synced_world.h"

namespace millrace::log::test {
namespace {

FaultFileSystem& faulty_files() { return static_cast<FaultFileSystem&>(unsynced_files()); }

struct SyncedLogs : testing::Test {
  void SetUp() override {
    files.faults = std::make_shared<Faults>();
    ASSERT_TRUE(world.start());
  }
  void TearDown() override { files.faults = std::make_shared<Faults>(); }

  std::size_t syncs_of_segments() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        files.faults->synced, [](const auto& path) { return !is_in_journal(path) && path.ends_with(".log"); }));
  }
  std::size_t syncs_of_journal() const {
    return static_cast<std::size_t>(std::ranges::count_if(files.faults->synced, is_in_journal));
  }

  FaultFileSystem& files = faulty_files();
  SyncedWorld world;
};

TEST_F(SyncedLogs, ShareOneSyncForAllThatWaits) {
  ASSERT_TRUE(world.add("events", {"first"}));
  world.log("orders");
  world.log("payments");
  files.faults->synced.clear();
  std::vector<std::shared_ptr<SyncedWorld::Asked>> asked;
  for (const std::string topic : {"events", "orders", "payments", "events"})
    asked.push_back(world.ask(topic, {.values = {"a"}}));
  for (const auto& one : asked) EXPECT_FALSE(one->outcome) << "nothing is on the disk yet";
  world.shard.run();
  for (const auto& one : asked) EXPECT_TRUE(one->outcome && *one->outcome);
  EXPECT_EQ(syncs_of_journal(), 1U);
  EXPECT_EQ(syncs_of_segments(), 0U);
}

TEST_F(SyncedLogs, CountForTheHighWatermarkOnlyWhatIsOnTheDisk) {
  ASSERT_TRUE(world.add("events", {"a", "b"}));
  EXPECT_EQ(world.log()->synced_offset(), Offset(2));
  EXPECT_EQ(world.log()->recovery_point(), Offset(0));
  auto asked = world.ask("events", {.values = {"c"}});
  EXPECT_EQ(world.log()->log_end_offset(), Offset(3));
  EXPECT_EQ(world.log()->synced_offset(), Offset(2));
  world.shard.run();
  EXPECT_EQ(world.log()->synced_offset(), Offset(3));
}

TEST_F(SyncedLogs, AnswerARetryWhenTheRecordsThatItNamesAreOnTheDisk) {
  const BatchSpec spec{
      .values = {"a"}, .producer_id = ProducerId(4), .producer_epoch = ProducerEpoch(0), .base_sequence = Sequence(0)};
  auto first = world.ask("events", spec);
  auto retry = world.ask("events", spec);
  EXPECT_FALSE(retry->outcome);
  world.shard.run();
  ASSERT_TRUE(first->outcome && *first->outcome && retry->outcome && *retry->outcome);
  EXPECT_TRUE((*retry->outcome)->duplicate);
  EXPECT_EQ(world.log()->log_end_offset(), Offset(1));
}

TEST_F(SyncedLogs, LeaveNothingInTheJournalOfACleanStop) {
  ASSERT_TRUE(world.add("events", {"a"}));
  ASSERT_TRUE(world.stop());
  const auto replay = JournalReplay::read(posix_file_system(), world.journal_path(),
                                          {world.options.cluster_id, world.options.broker_id, world.data_path()});
  ASSERT_TRUE(replay) << replay.error().message;
  EXPECT_TRUE((*replay)->empty());
  ASSERT_TRUE(world.start());
  EXPECT_EQ(world.values(), std::vector<std::string>{"a"});
  ASSERT_TRUE(world.add("events", {"b"}));
}

TEST_F(SyncedLogs, GoOnWhenSegmentsHaveGivenFullFilesBack) {
  const std::string large(20'000, 'x');
  for (int number = 0; number < 40; ++number) {
    ASSERT_TRUE(world.add(number % 2 == 0 ? "events" : "orders", {large})) << number;
  }
  EXPECT_GT(syncs_of_segments(), 0U);
  EXPECT_GT(world.log()->recovery_point(), Offset(0));
  world.kill();
  ASSERT_TRUE(world.start());
  EXPECT_EQ(world.values().size(), 20U);
  EXPECT_EQ(world.values("orders").size(), 20U);
}

TEST_F(SyncedLogs, WaitForRoomInTheJournalAndLoseNothing) {
  const std::string large(20'000, 'x');
  std::vector<std::shared_ptr<SyncedWorld::Asked>> asked;
  for (int number = 0; number < 30; ++number) {
    asked.push_back(world.ask(number % 2 == 0 ? "events" : "orders", {.values = {large}}));
  }
  world.shard.run();
  for (const auto& one : asked) ASSERT_TRUE(one->outcome && *one->outcome);
  EXPECT_EQ(world.log()->synced_offset(), Offset(15));
}

TEST_F(SyncedLogs, SyncTheSegmentOfWhatIsLargerThanAFileOfTheJournal) {
  ASSERT_TRUE(world.add("events", {"small"}));
  files.faults->synced.clear();
  ASSERT_TRUE(world.add("events", {std::string(100'000, 'x')}));
  EXPECT_EQ(syncs_of_segments(), 1U);
  EXPECT_EQ(world.log()->recovery_point(), Offset(2));
  ASSERT_TRUE(world.add("events", {"small"}));
  EXPECT_EQ(world.log()->recovery_point(), Offset(2)) << "and the next one is in the journal again";
  EXPECT_EQ(world.log()->synced_offset(), Offset(3));
}

TEST_F(SyncedLogs, SyncWhatWasThereBeforeTheyWereSwitchedOn) {
  auto log = world.log();
  log->set_config({});
  ASSERT_TRUE(world.add("events", {"a"}));
  EXPECT_EQ(log->recovery_point(), Offset(0));
  EXPECT_EQ(log->synced_offset(), Offset(1)) << "in another mode the whole log counts";
  log->set_config(synced_config());
  EXPECT_EQ(log->synced_offset(), Offset(0));
  ASSERT_TRUE(world.add("events", {"b"}));
  EXPECT_GE(log->recovery_point(), Offset(1));
  EXPECT_EQ(log->synced_offset(), Offset(2));
}

TEST_F(SyncedLogs, NeedNoGapInTheJournalWhenTheyAreSwitchedOffAndOnAgain) {
  auto log = world.log();
  ASSERT_TRUE(world.add("events", {"a"}));
  log->set_config({});
  ASSERT_TRUE(world.add("events", {"b"}));
  log->set_config(synced_config());
  ASSERT_TRUE(world.add("events", {"c"}));
  EXPECT_GE(log->recovery_point(), Offset(2)) << "the second one is not in the journal";
  world.kill();
  ASSERT_TRUE(world.start());
  EXPECT_EQ(world.values(), (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(SyncedLogs, CountNothingOfTheJournalForWhatWasCutAndWrittenAgainInAnotherMode) {
  auto log = world.log();
  ASSERT_TRUE(world.add("events", {"a"}));
  ASSERT_TRUE(world.add("events", {"b", "c"}));
  std::optional<Status> cut;
  log->truncate_to(Offset(1), [&](Status status) { cut = std::move(status); });
  world.shard.run();
  ASSERT_TRUE(cut && *cut);
  EXPECT_EQ(log->synced_offset(), Offset(1));
  log->set_config({});
  ASSERT_TRUE(world.add("events", {"d", "e"}));
  log->set_config(synced_config());
  EXPECT_EQ(log->synced_offset(), Offset(1)) << "a loss of power would take the others away";
  ASSERT_TRUE(world.add("events", {"f"}));
  EXPECT_GE(log->recovery_point(), Offset(3)) << "the journal does not have them";
  EXPECT_EQ(log->synced_offset(), Offset(4));
}

TEST_F(SyncedLogs, AreOfflineWhenTheJournalCannotBeWritten) {
  ASSERT_TRUE(world.add("events", {"a"}));
  ASSERT_TRUE(world.add("orders", {"a"}));
  files.faults->only_for = is_in_journal;
  files.faults->writable_bytes = 100;
  auto first = world.ask("events", {.values = {"b"}});
  auto second = world.ask("orders", {.values = {"b"}});
  world.shard.run();
  for (const auto& asked : {first, second}) {
    ASSERT_TRUE(asked->outcome && !*asked->outcome);
    EXPECT_EQ(asked->outcome->error().kind, AppendErrorKind::storage);
  }
  EXPECT_TRUE(world.manager->is_offline({"events", PartitionIndex(0)}));
  files.faults->writable_bytes = Faults::none;
  EXPECT_EQ(world.add("events", {"c"}).error().kind, AppendErrorKind::storage) << "nothing is tried again";
}

TEST_F(SyncedLogs, AreOfflineWhenTheJournalCannotBeSynced) {
  ASSERT_TRUE(world.add("events", {"a"}));
  files.faults->only_for = is_in_journal;
  files.faults->fail_sync = true;
  auto asked = world.ask("events", {.values = {"b"}});
  world.shard.run();
  ASSERT_TRUE(asked->outcome && !*asked->outcome);
  EXPECT_EQ(asked->outcome->error().kind, AppendErrorKind::storage);
  EXPECT_TRUE(world.manager->is_offline({"events", PartitionIndex(0)}));
  EXPECT_NE(world.manager->directories().front().offline->find("cannot sync"), std::string::npos);
}

TEST_F(SyncedLogs, AreSyncedOneByOneWhereTheJournalHasNoRoomOnItsDisk) {
  files.faults->only_for = is_in_journal;
  files.faults->writable_bytes = 5'000;
  ASSERT_TRUE(world.add("events", {"a"}));
  EXPECT_EQ(world.log()->recovery_point(), Offset(1));
  EXPECT_FALSE(world.manager->is_offline({"events", PartitionIndex(0)}));
  EXPECT_TRUE(names_in(world.journal_path()).empty()) << "what there is not all of, is taken away";
  ASSERT_TRUE(world.add("events", {"b"}));
  EXPECT_EQ(world.log()->recovery_point(), Offset(2));
  files.faults->writable_bytes = Faults::none;
  world.shard.manual_clock().advance(std::chrono::seconds(31));
  ASSERT_TRUE(world.add("events", {"c"}));
  EXPECT_EQ(world.log()->recovery_point(), Offset(2)) << "half a minute later it is tried again";
  EXPECT_EQ(world.log()->synced_offset(), Offset(3));
}

TEST_F(SyncedLogs, MakeNoJournalThatWouldTakeAllThatItsVolumeHas) {
  int asked = 0;
  std::uint64_t available = 3 * 64 * 1024;  // and it has two files
  files.faults->space = [&](const std::string&) {
    ++asked;
    return Space{1 << 30, available};
  };
  int written = 0;
  files.faults->only_for = [&](const std::string& path) {
    if (is_in_journal(path)) ++written;
    return true;
  };
  ASSERT_TRUE(world.add("events", {"a"}));
  EXPECT_EQ(world.log()->recovery_point(), Offset(1)) << "it is synced by itself";
  EXPECT_EQ(asked, 1);
  ASSERT_TRUE(world.add("events", {"b"}));
  std::optional<Status> truncated;
  world.log()->truncate_to(Offset(1), [&](Status status) { truncated = std::move(status); });
  world.shard.run();
  EXPECT_TRUE(truncated && *truncated);
  EXPECT_EQ(asked, 1) << "not so soon again, and not by one that has nothing in it";
  EXPECT_EQ(written, 0);
  available = 4 * 64 * 1024;
  world.shard.manual_clock().advance(std::chrono::seconds(31));
  ASSERT_TRUE(world.add("events", {"c"}));
  EXPECT_EQ(asked, 2);
  EXPECT_GT(written, 0);
  EXPECT_EQ(world.log()->recovery_point(), Offset(1));
}

TEST_F(SyncedLogs, KeepToTheirFilesWhenTheirSizeIsNoMultipleOfABlock) {
  ASSERT_TRUE(world.stop());
  world.options.journal.file_bytes = 64 * 1024 + 256;
  ASSERT_TRUE(world.start());
  for (int number = 0; number < 1'000; ++number) ASSERT_TRUE(world.add("events", {"small"})) << number;
  for (std::size_t number = 0; number < 2; ++number)
    EXPECT_EQ(file_bytes(world.journal_file(number)).size(), 64U * 1024) << number;
  world.kill();
  ASSERT_TRUE(world.start());
  EXPECT_EQ(world.values().size(), 1'000U);
}

TEST_F(SyncedLogs, AnswerWhoComesAfterASyncThatCouldNotBegin) {
  const auto unsynced = LogConfig{};
  world.log()->set_config(unsynced);
  files.faults->open_failure = ErrorKind::resource_exhausted;
  files.faults->fail_open = [](const std::string& path) { return path.find("leader-epoch-checkpoint") != path.npos; };
  ASSERT_TRUE(world.add("events", {"a"}));
  world.log()->set_config(synced_config());
  const auto refused = world.add("events", {"b"});
  ASSERT_FALSE(refused) << "what is before it is not on the disk";
  EXPECT_EQ(refused.error().kind, AppendErrorKind::storage);
  files.faults->fail_open = nullptr;
  for (const std::string value : {"c", "d"}) {
    auto asked = world.ask("events", {.values = {value}});
    world.shard.run();
    EXPECT_TRUE(asked->outcome && *asked->outcome) << value;
  }
  EXPECT_EQ(world.log()->synced_offset(), Offset(4));
}

TEST_F(SyncedLogs, AnswerWhoWaitsWhenAReplicatedAppendThatIsTooLargeForTheJournalFails) {
  world.kill();
  world.config.segment_bytes = 120'000;
  ASSERT_TRUE(world.start());
  auto waiting = world.ask("events", {.values = {"a"}});
  // The first of the two is written, and the segment for the other one cannot be made.
  const auto large = [](std::int64_t offset) {
    return make_batch(
        {.values = {std::string(100'000, 'x')}, .base_offset = Offset(offset), .leader_epoch = LeaderEpoch(0)});
  };
  auto both = joined({large(1), large(2)});
  files.faults->open_failure = ErrorKind::resource_exhausted;
  files.faults->fail_open = [](const std::string& path) { return path.ends_with("2.log"); };
  std::optional<AppendOutcome> failed;
  world.log()->append({both, AppendOrigin::replica, LeaderEpoch::none(), world.shard.clock().wall_clock()},
                      [&](AppendOutcome outcome) { failed = std::move(outcome); });
  world.shard.run();
  EXPECT_TRUE(waiting->outcome && *waiting->outcome);
  EXPECT_TRUE(failed && !*failed);
}

TEST_F(SyncedLogs, MakeFilesThatFitTheirConfiguration) {
  ASSERT_TRUE(world.add("events", {"a"}));
  ASSERT_TRUE(world.stop());
  world.options.journal.files = 3;
  world.options.journal.file_bytes = 128 * 1024;
  ASSERT_TRUE(world.start());
  ASSERT_TRUE(world.add("events", {"b"}));
  EXPECT_EQ(names_in(world.journal_path()).size(), 3U);
  EXPECT_EQ(file_bytes(world.journal_file(2)).size(), 128U * 1024);
}

TEST_F(SyncedLogs, OfSeveralShardsAreInOneJournalAndHearOfItOnTheirOwn) {
  world.kill();
  ManualShard other(1);
  const auto shard_of = [&](const TopicPartition& partition) -> Shard& {
    return partition.topic == "events" ? static_cast<Shard&>(world.shard) : other;
  };
  LogManager manager(world.options, files, world.shard.clock(), world.shard.pool(), world.random, shard_of);
  ASSERT_TRUE(manager.open_directories());
  ASSERT_TRUE(manager.load([](const std::string&) { return synced_config(); }));
  std::map<std::string, std::shared_ptr<PartitionLog>> logs;
  for (const std::string topic : {"events", "orders"}) {
    manager.get_or_create({topic, PartitionIndex(0)}, world.topic_id, synced_config(),
                          [&, topic](auto result) { logs[topic] = *result; });
  }
  while (world.shard.run() + other.run() > 0) {
  }
  files.faults->synced.clear();
  std::vector<std::string> answered;
  auto bytes = make_batch({.values = {"a"}});
  auto bytes_of_other = bytes;
  const auto now = world.shard.clock().wall_clock();
  logs["events"]->append({bytes, AppendOrigin::client, LeaderEpoch(0), now}, [&](const AppendOutcome& outcome) {
    EXPECT_TRUE(outcome && world.shard.is_current());
    answered.emplace_back("events");
  });
  logs["orders"]->append({bytes_of_other, AppendOrigin::client, LeaderEpoch(0), now},
                         [&](const AppendOutcome& outcome) {
                           EXPECT_TRUE(outcome && other.is_current());
                           answered.emplace_back("orders");
                         });
  world.shard.run();
  EXPECT_EQ(answered, std::vector<std::string>{"events"});
  other.run();
  EXPECT_EQ(answered, (std::vector<std::string>{"events", "orders"}));
  EXPECT_EQ(std::ranges::count(files.faults->synced, world.journal_file(0)), 2) << "its header, and one group";
}

}  // namespace
}  // namespace millrace::log::test

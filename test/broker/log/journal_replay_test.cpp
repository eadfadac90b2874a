// What a start makes of a journal and of logs in every relation to it.
#include <gtest/gtest.h>

#include "test/broker/log/synced_world.h"

namespace millrace::log::test {
namespace {

using Values = std::vector<std::string>;

struct JournalReplays : testing::Test {
  void SetUp() override {
    static_cast<FaultFileSystem&>(unsynced_files()).faults = std::make_shared<Faults>();
    ASSERT_TRUE(world.start());
  }
  void restart() {
    const auto started = world.start();
    ASSERT_TRUE(started) << started.error().message;
    ASSERT_TRUE(world.manager->unusable().empty()) << world.manager->unusable().front().second;
  }
  void add_three() {
    for (const std::string value : {"a", "b", "c"}) ASSERT_TRUE(world.add("events", {value}));
  }
  [[nodiscard]] std::string offline_reason() const { return world.manager->directories().front().offline.value_or(""); }
  // Nothing but the files of the partition, and not the clean stop of others.
  void lose(std::uint64_t kept_bytes) {
    world.kill();
    SyncedWorld::cut(world.segment(), kept_bytes);
  }

  SyncedWorld world;
};

TEST_F(JournalReplays, GiveBackWhatTheSegmentLostAtAnyByte) {
  add_three();
  const auto size = file_bytes(world.segment()).size();
  for (std::uint64_t kept = 0; kept <= size; ++kept) {
    SCOPED_TRACE(kept);
    lose(kept);
    restart();
    ASSERT_EQ(world.values(), (Values{"a", "b", "c"}));
    ASSERT_EQ(world.log()->recovery_point(), Offset(3)) << "the journal is empty, so the segment has all";
    // For the next round.
    ASSERT_TRUE(world.stop());
    ASSERT_TRUE(posix_file_system().remove(world.data_path() + "/.kafka_cleanshutdown"));
    ASSERT_TRUE(posix_file_system().remove_all(world.partition_path()));
    restart();
    add_three();
    if (HasFailure()) return;
  }
}

TEST_F(JournalReplays, KeepWhatWasWrittenBehindTheirRecordsInAnotherMode) {
  add_three();
  world.log()->set_config({});
  ASSERT_TRUE(world.add("events", {"d"}));
  world.kill();
  restart();
  EXPECT_EQ(world.values(), (Values{"a", "b", "c", "d"}));
}

TEST_F(JournalReplays, AreDoneForABrokerThatHasNoSyncedLogsAnyMore) {
  add_three();
  lose(0);
  world.config = {};
  restart();
  EXPECT_EQ(world.values(), (Values{"a", "b", "c"}));
}

TEST_F(JournalReplays, BringBackEpochsProducersAndAbortedTransactions) {
  const BatchSpec spec{.values = {"lost"},
                       .producer_id = ProducerId(4),
                       .producer_epoch = ProducerEpoch(0),
                       .base_sequence = Sequence(0),
                       .transactional = true};
  world.leader_epoch = LeaderEpoch(3);
  ASSERT_TRUE(world.append(spec));
  world.leader_epoch = LeaderEpoch(5);
  ASSERT_TRUE(world.append(marker_batch(ProducerId(4), ProducerEpoch(0), false, 1), AppendOrigin::coordinator));
  world.kill();
  SyncedWorld::cut(world.segment(), 0);
  write_file(world.partition_path() + "/leader-epoch-checkpoint", as_bytes("0\n0\n"));
  restart();
  auto log = world.log();
  EXPECT_EQ(log->log_end_offset(), Offset(2));
  EXPECT_EQ(log->leader_epoch_for(Offset(0)), LeaderEpoch(3));
  EXPECT_EQ(log->leader_epoch_for(Offset(1)), LeaderEpoch(5));
  ASSERT_EQ(log->producers().size(), 1U);
  EXPECT_FALSE(log->producers().front().transaction_first_offset);
  std::optional<ReadOutcome> outcome;
  log->read({Offset(0), Offset(2), 1 << 20, true, true}, [&](ReadOutcome got) { outcome = std::move(got); });
  world.shard.run();
  ASSERT_TRUE(outcome && *outcome);
  EXPECT_EQ((*outcome)->aborted.size(), 1U);
}

TEST_F(JournalReplays, FindNoDamageWhereAnEpochEndsInTheSegmentThatTheyWriteTo) {
  for (const int epoch : {3, 5, 5}) {
    world.leader_epoch = LeaderEpoch(epoch);
    ASSERT_TRUE(world.add("events", {std::to_string(epoch)}));
  }
  lose(file_bytes(world.segment()).size() - 1);
  restart();
  EXPECT_EQ(world.values(), (Values{"3", "5", "5"}));
  EXPECT_FALSE(world.log()->is_damaged());
  EXPECT_EQ(world.log()->leader_epoch_for(Offset(0)), LeaderEpoch(3));
  EXPECT_EQ(world.log()->leader_epoch_for(Offset(1)), LeaderEpoch(5));
}

TEST_F(JournalReplays, NeverUndoATruncation) {
  add_three();
  std::optional<Status> truncated;
  world.log()->truncate_to(Offset(1), [&](Status status) { truncated = std::move(status); });
  world.shard.run();
  ASSERT_TRUE(truncated && *truncated);
  world.kill();
  restart();
  EXPECT_EQ(world.values(), Values{"a"});
}

// What the journal had from the target on is void, whatever becomes of the truncation.
TEST_F(JournalReplays, GiveBackWhatCameAfterATruncationThatFailed) {
  add_three();
  const auto sound = file_bytes(world.segment());
  auto damaged = sound;
  constexpr std::size_t magic_position = 16;
  for (std::size_t at = sound.size() / 3; at < sound.size(); at += sound.size() / 3) damaged[at + magic_position] = 99;
  write_file(world.segment(), damaged);
  std::optional<Status> truncated;
  world.log()->truncate_to(Offset(2), [&](Status status) { truncated = std::move(status); });
  world.shard.run();
  ASSERT_TRUE(truncated && !*truncated);
  write_file(world.segment(), sound);
  ASSERT_TRUE(world.add("events", {"d"}));
  // A loss of power takes what was not synced.
  lose(world.log()->recovery_point() >= Offset(3) ? sound.size() : 0);
  restart();
  EXPECT_EQ(world.values(), (Values{"a", "b", "c", "d"}));
}

TEST_F(JournalReplays, GiveBackWhatCameAfterATruncationAndNotWhatWasThereBefore) {
  add_three();
  world.log()->truncate_to(Offset(1), [](const Status&) {});
  world.shard.run();
  ASSERT_TRUE(world.add("events", {"x"}));
  lose(0);
  restart();
  EXPECT_EQ(world.values(), (Values{"a", "x"}));
}

TEST_F(JournalReplays, GiveBackNothingOfALogThatBeganAnew) {
  add_three();
  world.log()->truncate_fully_and_start_at(Offset(10), [](const Status&) {});
  world.shard.run();
  ASSERT_TRUE(world.add("events", {"x"}));
  world.kill();
  SyncedWorld::cut(world.segment("events", 10), 0);
  restart();
  EXPECT_EQ(world.log()->log_start_offset(), Offset(10));
  EXPECT_EQ(world.read_all(Offset(10)), (std::vector<ReadRecord>{{Offset(10), "x"}}));
}

TEST_F(JournalReplays, NeverBringBackADeletedTopicNorGiveItsRecordsToALaterOne) {
  add_three();
  world.remove_and_kill();
  restart();
  EXPECT_EQ(world.manager->find({"events", PartitionIndex(0)}), nullptr);
  world.topic_id = TopicId{{7}};
  EXPECT_TRUE(world.values().empty());
}

TEST_F(JournalReplays, GiveNothingOfADeletedTopicToOneOfTheSameNameThatWasMadeBeforeTheKill) {
  add_three();
  world.manager->remove({"events", PartitionIndex(0)}, [](const Status&) {});
  world.shard.run();
  const auto old = world.topic_id;
  world.topic_id = TopicId{{7}};
  std::shared_ptr<PartitionLog> anew;
  world.manager->get_or_create({"events", PartitionIndex(0)}, world.topic_id, world.config,
                               [&](auto result) { anew = *result; });
  world.shard.run();
  ASSERT_NE(anew, nullptr);
  ASSERT_NE(anew->topic_id(), old);
  anew.reset();
  world.shard.advance(std::chrono::minutes(2));
  world.kill();
  restart();
  EXPECT_TRUE(world.values().empty());
}

TEST_F(JournalReplays, BringBackRecordsBehindADeletedStart) {
  ASSERT_TRUE(world.append({.values = {"a", "b", "c", "d"}}));
  world.log()->publish_high_watermark(Offset(4));
  ASSERT_TRUE(world.log()->advance_log_start_offset(Offset(2)));
  ASSERT_TRUE(world.manager->write_checkpoints());
  lose(0);
  restart();
  EXPECT_EQ(world.log()->log_start_offset(), Offset(2));
  EXPECT_EQ(world.log()->log_end_offset(), Offset(4));
  EXPECT_EQ(world.read_all(Offset(2)).back().value, "d");
}

TEST_F(JournalReplays, AreRefusedForAnotherLogDirectory) {
  add_three();
  world.kill();
  world.options.journal.directories = {world.journal_path()};
  world.options.directories = {world.directory.path() + "/other"};
  const auto started = world.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().kind, ErrorKind::conflict);
  EXPECT_NE(started.error().message.find("/data, not of"), std::string::npos) << started.error().message;
}

TEST_F(JournalReplays, OfAnotherLogDirectoryAreNoTroubleWhenTheyAreEmpty) {
  add_three();
  ASSERT_TRUE(world.stop());
  world.options.journal.directories = {world.journal_path()};
  world.options.directories = {world.directory.path() + "/other"};
  restart();
  ASSERT_TRUE(world.add("events", {"x"}));
  lose(0);
  restart();
  EXPECT_EQ(world.values(), Values{"x"});
}

TEST_F(JournalReplays, KeepTheDirectoryOfflineWhenAGroupInTheMiddleIsDamaged) {
  add_three();
  world.kill();
  auto bytes = file_bytes(world.journal_file(0));
  bytes[2 * journal_block_bytes + 150] ^= 1;  // of the second append
  write_file(world.journal_file(0), bytes);
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto started = world.start();
    ASSERT_FALSE(started) << "nobody is to find out later";
    EXPECT_NE(started.error().message.find("group 2 is missing or damaged"), std::string::npos)
        << started.error().message;
    world.kill();
  }
  EXPECT_EQ(file_bytes(world.journal_file(0)), bytes);
}

TEST_F(JournalReplays, EndAtATornGroup) {
  add_three();
  world.kill();
  auto bytes = file_bytes(world.journal_file(0));
  bytes[3 * journal_block_bytes + 150] ^= 1;  // of the last append
  write_file(world.journal_file(0), bytes);
  SyncedWorld::cut(world.segment(), 0);
  restart();
  EXPECT_EQ(world.values(), (Values{"a", "b"}));
}

TEST_F(JournalReplays, StayWhereTheyAreWhenALogLacksWhatIsBeforeThem) {
  const std::string large(20'000, 'x');
  for (int number = 0; number < 20; ++number) ASSERT_TRUE(world.add("events", {large}));
  ASSERT_GT(world.log()->recovery_point(), Offset(0));
  lose(0);
  for (int attempt = 0; attempt < 2; ++attempt) {
    ASSERT_FALSE(world.start());
    EXPECT_NE(offline_reason().find("ends at offset 0"), std::string::npos) << offline_reason();
    world.kill();
  }
}

TEST_F(JournalReplays, AreSetAsideWhenSomebodyElseHasStoppedTheDirectoryCleanly) {
  add_three();
  lose(0);
  write_file(world.data_path() + "/.kafka_cleanshutdown", as_bytes(R"({"version":0,"brokerEpoch":4})"));
  restart();
  EXPECT_TRUE(world.values().empty());
  EXPECT_EQ(names_in(world.journal_path()), Values{"kept-4"});
  EXPECT_EQ(names_in(world.journal_path() + "/kept-4"), (Values{"00.journal", "01.journal"}));
  ASSERT_TRUE(world.add("events", {"x"}));
}

TEST_F(JournalReplays, AreKeptForALogThatCannotBeLoaded) {
  add_three();
  ASSERT_TRUE(world.add("orders", {"o"}));
  world.kill();
  write_file(world.partition_path() + "/partition.metadata", as_bytes("nonsense"));
  SyncedWorld::cut(world.segment("orders"), 0);
  ASSERT_TRUE(world.start());
  EXPECT_EQ(world.manager->unusable().size(), 1U);
  EXPECT_EQ(world.values("orders"), Values{"o"});
  EXPECT_EQ(names_in(world.journal_path()), Values{"kept-5"});
}

TEST_F(JournalReplays, FillAGapThatCompactionCouldHaveMade) {
  auto config = synced_config();
  config.compacted = true;
  config.segment_bytes = 200;
  world.kill();
  world.config = config;
  restart();
  for (const std::string value : {"a", "b", "c", "d", "e"}) ASSERT_TRUE(world.add("events", {value}));
  ASSERT_GT(names_in(world.partition_path()).size(), 6U) << "several segments";
  world.kill();
  SyncedWorld::cut(world.segment(), 0);
  (void)posix_file_system().remove(world.data_path() + "/recovery-point-offset-checkpoint");
  restart();
  EXPECT_EQ(world.values(), (Values{"a", "b", "c", "d", "e"}));
}

}  // namespace
}  // namespace millrace::log::test

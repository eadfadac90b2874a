// What becomes of the records that a journal has for logs that cannot take them: at this start, or at all.
#include <gtest/gtest.h>

#include "test/broker/log/cleaned_world.h"
#include "test/broker/log/synced_world.h"

namespace millrace::log::test {
namespace {

using Values = std::vector<std::string>;

struct JournalLeftovers : testing::Test {
  void SetUp() override {
    faults() = {};
    ASSERT_TRUE(world.start());
  }
  void TearDown() override { faults() = {}; }
  static Faults& faults() { return *static_cast<FaultFileSystem&>(unsynced_files()).faults; }

  // The power goes, and the journal alone has what was written.
  void add_three_and_lose_them() {
    for (const std::string value : {"a", "b", "c"}) ASSERT_TRUE(world.add("events", {value}));
    world.kill();
    SyncedWorld::cut(world.segment(), 0);
  }

  SyncedWorld world;
};

TEST_F(JournalLeftovers, StayWhereTheyAreForALogThatTheNextStartMayBeAbleToLoad) {
  add_three_and_lose_them();
  faults().open_failure = ErrorKind::resource_exhausted;
  faults().fail_open = [](const std::string& path) { return path.find("/events-0/") != path.npos; };
  const auto started = world.start();
  ASSERT_FALSE(started) << "a broker that went on would empty the journal";
  EXPECT_NE(started.error().message.find("the log of events-0, of which the journal of its log directory has records"),
            std::string::npos)
      << started.error().message;
  world.kill();
  faults() = {};
  ASSERT_TRUE(world.start());
  EXPECT_EQ(world.values(), (Values{"a", "b", "c"}));
}

TEST_F(JournalLeftovers, AreKeptWithTheStrayThatTheyBelongTo) {
  add_three_and_lose_them();
  ASSERT_TRUE(world.start([](const TopicPartition&, const TopicId&) { return false; }));
  EXPECT_EQ(names_in(world.journal_path()), Values{"kept-4"});
  EXPECT_EQ(names_in(world.journal_path() + "/kept-4"), (Values{"00.journal", "01.journal"}));
}

TEST_F(JournalLeftovers, AreKeptWithAStrayThatAnEarlierStartHasSetAside) {
  add_three_and_lose_them();
  ASSERT_TRUE(posix_file_system().rename(world.partition_path(),
                                         world.data_path() + "/events-0.0123456789abcdef0123456789abcdef-stray"));
  ASSERT_TRUE(world.start());
  EXPECT_EQ(names_in(world.journal_path()), Values{"kept-4"});
}

TEST_F(JournalLeftovers, AreNotKeptForADeletedTopicOfTheSameNameAsAStray) {
  ASSERT_TRUE(world.stop());
  ASSERT_TRUE(
      posix_file_system().create_directories(world.data_path() + "/events-0.0123456789abcdef0123456789abcdef-stray"));
  write_file(world.data_path() + "/events-0.0123456789abcdef0123456789abcdef-stray/partition.metadata",
             as_bytes("version: 0\ntopic_id: BQYHCAAAAAAAAAAAAAAAAA"));
  ASSERT_TRUE(world.start());
  ASSERT_TRUE(world.add("events", {"a"}));
  world.remove_and_kill();
  ASSERT_TRUE(world.start());
  EXPECT_EQ(names_in(world.journal_path()), (Values{"00.journal", "01.journal"}));
}

TEST_F(JournalLeftovers, AreKeptBesideThoseOfAnEarlierTime) {
  add_three_and_lose_them();
  ASSERT_TRUE(posix_file_system().create_directories(world.journal_path() + "/kept-4"));
  write_file(world.journal_path() + "/kept-4/00.journal", as_bytes("what was kept before"));
  write_file(world.data_path() + "/.kafka_cleanshutdown", as_bytes(R"({"version":0,"brokerEpoch":4})"));
  ASSERT_TRUE(world.start());
  EXPECT_EQ(names_in(world.journal_path()), (Values{"kept-4", "kept-4-2"}));
  EXPECT_EQ(names_in(world.journal_path() + "/kept-4-2"), (Values{"00.journal", "01.journal"}));
  const auto before = file_bytes(world.journal_path() + "/kept-4/00.journal");
  EXPECT_EQ(as_text(before), "what was kept before");
}

// The recovery point in its checkpoint is older than the pass.
TEST(JournalsOfCompactedLogs, BringNothingBackThatCompactionHasTakenAway) {
  auto config = compacted_config();
  config.flush_messages = 1;
  CleanedWorld cleaned(config);
  auto& world = cleaned.world;
  world.options.initial_task_delay_ms = world.options.checkpoint_interval_ms = 86'400'000;
  ASSERT_TRUE(world.start());
  cleaned.write(60);
  cleaned.start_cleaner();
  const auto cleaned_to = cleaned.cleaned_to();
  ASSERT_GT(cleaned_to, Offset(100));
  const auto left = world.read_all();
  ASSERT_LT(left.size(), 100U);
  world.kill();
  ASSERT_TRUE(world.start());
  EXPECT_EQ(world.read_all(), left);
}

}  // namespace
}  // namespace millrace::log::test

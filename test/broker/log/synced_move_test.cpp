// Logs with flush.messages=1 that move: each directory has a journal of its own.
#include <gtest/gtest.h>

#include <array>

#include "broker/log/log_directory.h"
#include "test/broker/log/chosen_jobs.h"
#include "test/broker/log/move_world.h"

namespace millrace::log::test {
namespace {

LogConfig synced() {
  LogConfig config;
  config.flush_messages = 1;
  config.file_delete_delay_ms = 0;  // what waits for it holds the manager
  return config;
}

// Syncs and writes past the page cache are the machine's.
struct SyncedMove : testing::Test {
  SyncedMove() : world(synced(), posix_file_system()) {
    world.options.journal.file_bytes = 64 * 1024;
    EXPECT_TRUE(world.start_all());
  }

  void add(const std::string& value) {
    ASSERT_TRUE(world.append({.values = {value}}));
    expected.push_back(value);
  }
  std::vector<std::string> values() {
    std::vector<std::string> found;
    for (auto& record : world.read_all()) found.push_back(std::move(record.value));
    return found;
  }
  // The power goes, and the log file has no more than so many bytes.
  void lose_behind(std::uint64_t size_bytes) {
    const auto path = world.log()->directory() + "/" + segment_file_name(Offset(0), log_suffix);
    world.kill();
    auto file = posix_file_system().open(path, OpenMode::read_write);
    ASSERT_TRUE(file.has_value());
    ASSERT_TRUE((*file)->truncate(size_bytes));
    auto started = world.start_all();
    ASSERT_TRUE(started) << started.error().message;
  }
  [[nodiscard]] std::uint64_t size() { return world.log()->size_bytes(); }

  MoveWorld world;
  std::vector<std::string> expected;
};

TEST_F(SyncedMove, GoesOnInTheJournalOfItsNewDirectory) {
  add("in the first");
  world.move_to(world.second());
  const auto moved = size();
  add("in the second");
  lose_behind(moved);
  EXPECT_EQ(world.place(), world.second());
  EXPECT_EQ(values(), expected);
  EXPECT_EQ(world.log()->recovery().restored_batches, 1U);
}

TEST_F(SyncedMove, BringsNothingBackThatItCutInTheOtherDirectory) {
  add("stays");
  add("goes");
  world.move_to(world.second());
  std::optional<Status> cut;
  world.log()->truncate_to(Offset(1), [&](Status status) { cut = std::move(status); });
  world.shard.run();
  ASSERT_TRUE(cut && *cut);
  expected.pop_back();
  world.move_to(world.first());
  lose_behind(size());
  EXPECT_EQ(world.place(), world.first());
  EXPECT_EQ(values(), expected);
}

TEST_F(SyncedMove, ComesBackToAJournalThatTakesItAgain) {
  add("in the first");
  world.move_to(world.second());
  add("in the second");
  world.move_to(world.first());
  const auto moved = size();
  add("in the first again");
  add("and again");
  lose_behind(moved);
  EXPECT_EQ(world.place(), world.first());
  EXPECT_EQ(values(), expected);
  EXPECT_EQ(world.log()->recovery().restored_batches, 2U);
}

TEST_F(SyncedMove, AnswersAppendsThatWaitForTheOldJournal) {
  add("first");
  std::vector<Bytes> batches;
  std::vector<std::optional<AppendOutcome>> outcomes(20);
  for (std::size_t number = 0; number < outcomes.size(); ++number)
    batches.push_back(make_batch({.values = {std::to_string(number)}}));
  ASSERT_FALSE(world.ask(world.second()));
  for (std::size_t number = 0; number < outcomes.size(); ++number) {
    world.after_turns(static_cast<int>(number), [&, number] {
      world.log()->append({batches[number], AppendOrigin::client, world.leader_epoch, world.shard.clock().wall_clock()},
                          [&, number](AppendOutcome outcome) { outcomes[number] = std::move(outcome); });
    });
    expected.push_back(std::to_string(number));
  }
  world.finish();
  world.finish();
  for (std::size_t number = 0; number < outcomes.size(); ++number)
    ASSERT_TRUE(outcomes[number] && *outcomes[number]) << number;
  EXPECT_EQ(world.place(), world.second());
  EXPECT_EQ(values(), expected);
}

// The journals have threads of their own, which come to their work when a test says so.
struct LateJournals : testing::Test {
  LateJournals() : world(synced(), files) {
    EXPECT_TRUE(world.start_all());
    world.manager->use_journal_threads(journals);
  }
  // A job holds its journal, which holds logs.
  void TearDown() override {
    while (!journals.jobs.empty()) run_journal();
  }
  // An append that has no answer yet.
  std::shared_ptr<std::optional<AppendOutcome>> add(const std::string& value, std::size_t count = 1,
                                                    const std::string& topic = "events") {
    auto bytes = std::make_shared<Bytes>(make_batch({.values = std::vector(count, value)}));
    auto answer = std::make_shared<std::optional<AppendOutcome>>();
    world.log(topic)->append({*bytes, AppendOrigin::client, world.leader_epoch, world.shard.clock().wall_clock()},
                             [bytes, answer](AppendOutcome outcome) { *answer = std::move(outcome); });
    world.shard.run();
    EXPECT_FALSE(*answer) << "no journal has worked";
    return answer;
  }
  void run_journal() {
    ASSERT_FALSE(journals.jobs.empty());
    journals.run(0);
    world.shard.run();
  }

  void move_to_first(const std::string& topic) {
    if (world.place(topic) != world.first()) world.move_to(world.first(), topic);
  }
  // The journal of the first directory has yet to write ten records of a log that has left it and was cut since.
  void leave_and_cut() {
    const std::array left{add("first", 5), add("second", 5)};
    world.move_to(world.second());
    for (const auto& answer : left) ASSERT_TRUE(*answer && **answer);
    std::optional<Status> cut;
    world.log()->truncate_to(Offset(5), [&](Status status) { cut = std::move(status); });
    world.shard.run();
    ASSERT_TRUE(cut && *cut);
  }

  FaultFileSystem files;
  ChosenJobs journals;
  MoveWorld world;
};

TEST_F(LateJournals, AreNotWaitedForByAppendsOfALogThatHasLeft) {
  const auto first = add("first");
  world.move_to(world.second());
  ASSERT_TRUE(*first && **first) << "its new directory has it on the disk";
  EXPECT_EQ(world.log()->synced_offset(), Offset(1));
  ASSERT_EQ(journals.jobs.size(), 1U);
  run_journal();
  EXPECT_EQ(world.read_all().size(), 1U);
}

TEST_F(LateJournals, ThatFailAreNoMatterOfALogThatHasLeft) {
  add("first");
  world.move_to(world.second());
  const auto second = add("second");
  ASSERT_EQ(journals.jobs.size(), 2U);
  files.faults->fail_sync = true;
  files.faults->only_for = [path = world.first() + ".journal/"](const auto& file) { return file.starts_with(path); };
  run_journal();
  EXPECT_FALSE(*second) << "its own journal has not worked";
  run_journal();
  ASSERT_TRUE(*second && **second);
  EXPECT_EQ(world.log()->synced_offset(), Offset(2));
  EXPECT_FALSE(world.log()->is_offline());
  EXPECT_EQ(world.place(), world.second());
}

TEST_F(LateJournals, ConfirmNothingThatALogHasWrittenElsewhere) {
  leave_and_cut();
  const auto third = add("third", 3);
  const auto fourth = add("fourth", 4);
  ASSERT_EQ(journals.jobs.size(), 2U);
  run_journal();
  EXPECT_FALSE(*third) << "the journal of the first directory has other records at these offsets";
  EXPECT_EQ(world.log()->synced_offset(), Offset(5));
  run_journal();
  EXPECT_TRUE(*third && **third && *fourth && **fourth);
}

TEST_F(LateJournals, ThatFailAreNoMatterOfALogThatWasCutSince) {
  leave_and_cut();
  const auto third = add("third", 3);
  files.faults->fail_sync = true;
  files.faults->only_for = [path = world.first() + ".journal/"](const auto& file) { return file.starts_with(path); };
  run_journal();
  EXPECT_FALSE(*third);
  run_journal();
  EXPECT_TRUE(*third && **third);
}

TEST_F(LateJournals, SyncNoLogThatHasLeft) {
  move_to_first("orders");
  move_to_first("events");
  leave_and_cut();
  add("third", 3);
  files.faults->fail_sync = true;
  files.faults->only_for = [path = world.second() + "/"](const auto& file) { return file.starts_with(path); };
  // All files of the journal of the first directory are written to.
  for (int number = 0; number < 12; ++number) {
    const auto answer = add(std::string(20'000, 'x'), 1, "orders");
    for (int job = 0; job < 10 && !*answer; ++job) run_journal();
    ASSERT_TRUE(*answer && **answer) << number;
  }
  for (const auto& directory : world.manager->directories()) EXPECT_FALSE(directory.offline) << *directory.offline;
}

}  // namespace
}  // namespace millrace::log::test

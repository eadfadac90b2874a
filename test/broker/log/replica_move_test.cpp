// Replicas that move between the log directories of a broker while they are written to and read.
#include <gtest/gtest.h>

#include <filesystem>

#include "broker/base/logging.h"
#include "broker/log/takeover_file.h"
#include "test/broker/log/failing_files.h"
#include "test/broker/log/move_world.h"
#include "test/support/source_tree.h"

namespace millrace::log::test {
namespace {

namespace fs = std::filesystem;

LogConfig small_segments() {
  LogConfig config;
  config.segment_bytes = 1500;
  config.index_interval_bytes = 100;
  config.segment_index_bytes = 400;
  return config;
}

struct ReplicaMoves : testing::Test {
  void SetUp() override { set_log_level(LogLevel::error); }
  void TearDown() override { set_log_level(LogLevel::info); }
  void start() {
    const auto started = world.start_all();
    ASSERT_TRUE(started) << started.error().message;
  }
  void restart() {
    ASSERT_TRUE(world.stop());
    start();
    world.finish();
  }

  MoveWorld world{small_segments()};
};

TEST_F(ReplicaMoves, TakeAlongWhatTheLogKnows) {
  start();
  world.fill(40);
  const auto before = answers_of(world);
  const auto epochs_end = world.log()->end_offset_for_epoch(LeaderEpoch(3)).end_offset;
  world.move_to(world.second());
  EXPECT_EQ(answers_of(world), before);
  EXPECT_EQ(world.log()->end_offset_for_epoch(LeaderEpoch(3)).end_offset, epochs_end);
  EXPECT_EQ(world.hosted(), std::vector<std::string>{"now " + world.second()});
  EXPECT_FALSE(fs::exists(world.first() + "/events-0"));
  EXPECT_EQ(MoveWorld::names_ending(world.first(), "-delete").size(), 1U);
  EXPECT_TRUE(MoveWorld::names_ending(world.second(), "-future").empty());
  EXPECT_FALSE(fs::exists(world.second() + "/events-0/takeover"));
  world.shard.advance(std::chrono::milliseconds(world.config.file_delete_delay_ms));
  EXPECT_TRUE(MoveWorld::names_ending(world.first(), "-delete").empty()) << "its files go after a while";

  restart();
  EXPECT_EQ(world.place(), world.second());
  EXPECT_TRUE(world.log()->recovery().clean);
  EXPECT_EQ(answers_of(world), before);
  world.move_to(world.first());
  EXPECT_EQ(answers_of(world), before);
}

TEST_F(ReplicaMoves, CopyBatchesByteForByte) {
  world.config = LogConfig{};
  start();
  world.fill(30);
  const auto before = file_bytes(world.first() + "/events-0/00000000000000000000.log");
  world.move_to(world.second());
  ASSERT_TRUE(world.stop());
  EXPECT_EQ(file_bytes(world.second() + "/events-0/00000000000000000000.log"), before);
}

TEST_F(ReplicaMoves, GoOnUnderAppendsAndReads) {
  start();
  world.fill(20);
  std::vector<Bytes> batches;
  int refused = 0;
  int appended = 0;
  constexpr int wanted = 300;
  std::function<void()> append_next = [&] {
    if (static_cast<int>(batches.size()) == wanted) return;
    auto& batch = batches.emplace_back(make_batch({.values = {std::to_string(batches.size())}}));
    world.log()->append({batch, AppendOrigin::client, world.leader_epoch, TimestampMs(0)},
                        [&](const AppendOutcome& done) { ++(done ? appended : refused); });
    world.shard.post(append_next);
  };
  batches.reserve(wanted);
  const auto end = world.log()->log_end_offset();
  append_next();
  ASSERT_FALSE(world.ask(world.second()));
  world.finish();
  EXPECT_EQ(refused, 0);
  EXPECT_EQ(appended, wanted);
  EXPECT_EQ(world.place(), world.second());
  const auto records = world.read_all(end);
  ASSERT_EQ(records.size(), static_cast<std::size_t>(wanted));
  for (int number = 0; number < wanted; ++number)
    EXPECT_EQ(records[static_cast<std::size_t>(number)].value, std::to_string(number));
}

TEST_F(ReplicaMoves, ShowTheCopyAndHowFarItIsBehind) {
  start();
  world.fill(5);
  world.manager->set_move_rate(0);
  ASSERT_FALSE(world.ask(world.second()));
  const auto end = std::to_string(world.log()->log_end_offset().value());
  const std::vector<std::string> both{"now " + world.first(), "future " + world.second() + " behind " + end};
  EXPECT_EQ(world.hosted(), both);
  EXPECT_EQ(MoveWorld::names_ending(world.second(), "-future").size(), 1U);
  world.shard.advance(std::chrono::hours(2));
  EXPECT_EQ(world.hosted(), both) << "at the rate of 0 nothing is copied";
  EXPECT_FALSE(world.ask(world.second())) << "the same again is no error";
  EXPECT_EQ(world.hosted(), both);
  world.go_on();
  EXPECT_EQ(world.hosted(), std::vector<std::string>{"now " + world.second()});
}

TEST_F(ReplicaMoves, KeepToTheRate) {
  world.config = LogConfig{};
  start();
  constexpr int batches = 8;
  constexpr std::size_t batch_bytes = std::size_t{300} << 10;
  for (int number = 0; number < batches; ++number)
    EXPECT_TRUE(world.append({.values = {std::string(batch_bytes, 'x')}}));
  world.manager->set_move_rate(static_cast<double>(batch_bytes));
  ASSERT_FALSE(world.ask(world.second()));
  for (int copied = 1; copied < batches; ++copied) {
    EXPECT_EQ(world.hosted().back(), "future " + world.second() + " behind " + std::to_string(batches - copied));
    world.shard.advance(std::chrono::milliseconds(1010));
  }
  world.finish();
  EXPECT_EQ(world.place(), world.second());
  world.manager->set_move_rate(1);
  ASSERT_FALSE(world.ask(world.first()));
  world.shard.advance(std::chrono::seconds(10));
  EXPECT_EQ(world.hosted().size(), 2U);
  world.go_on();
  EXPECT_EQ(world.place(), world.first()) << "another rate counts at once";
}

TEST_F(ReplicaMoves, AreCancelledByAMoveToWhereTheLogIs) {
  start();
  world.fill(5);
  const auto before = answers_of(world);
  EXPECT_FALSE(world.ask(world.first())) << "it is there";
  EXPECT_EQ(world.hosted().size(), 1U);
  world.begin_move(world.second());
  EXPECT_EQ(world.ask(world.first()), std::nullopt);
  world.finish();
  EXPECT_EQ(world.hosted(), std::vector<std::string>{"now " + world.first()});
  EXPECT_TRUE(MoveWorld::names_ending(world.second(), "-future").empty());
  EXPECT_EQ(answers_of(world), before);
  world.manager->set_move_rate(MoveBounds::no_rate);
  world.move_to(world.second());
  EXPECT_EQ(answers_of(world), before);
}

TEST_F(ReplicaMoves, TurnToAnotherDirectory) {
  const auto third = world.directory.path() + "/data3";
  world.options.directories.push_back(third);
  start();
  world.fill(5);
  const auto before = answers_of(world);
  world.begin_move(world.second());
  std::optional<MoveOutcome> answer;
  world.manager->move({"events", PartitionIndex(0)}, third, true, [&](MoveOutcome outcome) { answer = outcome; });
  world.finish();
  ASSERT_TRUE(answer && *answer);
  world.go_on();
  EXPECT_EQ(world.place(), third);
  EXPECT_EQ(answers_of(world), before);
  EXPECT_TRUE(MoveWorld::names_ending(world.second(), "-future").empty());
}

// Whenever the next one is asked for: while the copy is made, while it catches up, in the swap, behind it, while it is removed.
TEST_F(ReplicaMoves, EndWhereTheLastWishWants) {
  start();
  world.fill(2);
  const std::vector<std::vector<std::string>> wishes{
      {world.first()}, {world.first(), world.second()}, {world.second(), world.first()}};
  for (int turns = 1; turns < 80; ++turns) {
    for (const auto& later : wishes) {
      world.move_to(world.first());
      std::size_t answered = 0;
      world.after_turns(turns, [&] {
        for (const auto& path : later)
          world.manager->move({"events", PartitionIndex(0)}, path, true, [&](const MoveOutcome& outcome) {
            EXPECT_TRUE(outcome);
            ++answered;
          });
      });
      ASSERT_FALSE(world.ask(world.second()));
      world.finish();
      ASSERT_EQ(answered, later.size()) << "in turn " << turns;
      ASSERT_EQ(world.place(), later.back()) << "in turn " << turns;
    }
  }
}

TEST_F(ReplicaMoves, AreRefusedForWhatKafkaRefuses) {
  start();
  world.fill(1);
  EXPECT_EQ(world.ask(world.second() + "/none"), MoveRefusal::unknown_directory);
  EXPECT_EQ(world.ask(world.second() + "/"), MoveRefusal::unknown_directory);
  EXPECT_EQ(world.ask(""), MoveRefusal::unknown_directory);
  EXPECT_EQ(world.ask(world.second(), std::string(220, 'x')), MoveRefusal::name_too_long);
  EXPECT_EQ(world.ask(world.second(), "other"), MoveRefusal::no_log);
  EXPECT_EQ(world.ask(world.second(), "unknown", false), MoveRefusal::no_log);
}

TEST_F(ReplicaMoves, OfALogThatIsNotThereSayWhereItIsMade) {
  start();
  world.fill(1);
  ASSERT_EQ(world.place(), world.first());
  ASSERT_EQ(world.ask(world.first(), "second"), MoveRefusal::no_log);
  ASSERT_EQ(world.ask(world.first(), "third", false), MoveRefusal::no_log);
  EXPECT_EQ(world.place("second"), world.first()) << "though the other directory has fewer";
  EXPECT_EQ(world.place("third"), world.second());
}

TEST_F(ReplicaMoves, KnowADirectoryByTheNameThatIsShown) {
  MoveWorld other;
  other.options.directories.back() += "/";
  ASSERT_TRUE(other.start_all());
  ASSERT_TRUE(other.append({.values = {"x"}}));
  const auto from = other.place() == other.first() ? other.second() : other.first();
  ASSERT_FALSE(other.ask(from));
  EXPECT_EQ(other.ask(other.second() + "/"), MoveRefusal::unknown_directory);
}

TEST_F(ReplicaMoves, GoOnAfterAStop) {
  start();
  world.fill(40);
  const auto before = answers_of(world);
  world.begin_move(world.second(), 12);
  restart();
  EXPECT_EQ(world.place(), world.second());
  EXPECT_EQ(world.hosted().size(), 1U);
  EXPECT_EQ(answers_of(world), before);
}

TEST_F(ReplicaMoves, GoOnAfterAKillWithWhatTheLogHasThen) {
  start();
  world.fill(40);
  world.begin_move(world.second(), 12);
  world.kill();
  // The log has lost its end, and gets another one.
  const auto files = MoveWorld::names_ending(world.first() + "/events-0", ".log");
  fs::resize_file(world.first() + "/events-0/" + files.front(), 900);
  start();
  world.manager->set_move_rate(0);
  ASSERT_LT(world.log()->log_end_offset(), Offset(20));
  world.fill(3);
  const auto records = world.read_all();
  world.go_on();
  EXPECT_EQ(world.place(), world.second());
  EXPECT_EQ(world.read_all(), records);
}

// Where a log starts is written down now and then only: after a kill it may start below where a copy of it was begun.
TEST_F(ReplicaMoves, BeginAnewAfterAKillThatBroughtDeletedRecordsBack) {
  start();
  world.fill(40);
  const auto records = world.read_all();
  ASSERT_TRUE(world.log()->advance_log_start_offset(Offset(3)));
  world.begin_move(world.second(), 12);
  world.kill();
  start();
  ASSERT_EQ(world.log()->log_start_offset(), Offset(0));
  world.go_on();
  EXPECT_EQ(world.place(), world.second());
  EXPECT_EQ(world.log()->log_start_offset(), Offset(0));
  EXPECT_EQ(world.read_all(), records);
  restart();
  EXPECT_EQ(world.log()->log_start_offset(), Offset(0));
  EXPECT_EQ(world.read_all(), records);
}

TEST_F(ReplicaMoves, FollowTheStartOfTheLog) {
  start();
  world.fill(40);
  const auto records = world.read_all();
  for (const auto start : {Offset(3), Offset(101), world.log()->log_end_offset()}) {
    world.begin_move(world.other_than(world.place()), start == Offset(3) ? 12 : 0);
    ASSERT_TRUE(world.log()->advance_log_start_offset(start));
    world.log()->apply_retention(TimestampMs(0));
    world.shard.run();
    world.go_on();
    ASSERT_EQ(world.hosted().size(), 1U);
    EXPECT_EQ(world.log()->log_start_offset(), start);
    auto left = records;
    std::erase_if(left, [&](const auto& record) { return record.offset < start; });
    EXPECT_EQ(world.read_all(start), left);
    restart();
    EXPECT_EQ(world.log()->log_start_offset(), start);
  }
  EXPECT_TRUE(world.append({.values = {"after"}}));
}

// A copy that decided by itself would take away what the log has, and a power loss in the moment of the swap show it.
TEST_F(ReplicaMoves, LeaveItToTheLogWhatItsCopyKeeps) {
  const TimestampMs much_later{2'000'000'000'000};
  start();
  world.fill(40);
  world.begin_move(world.second(), 40);
  const auto hosted = world.manager->hosted_logs();
  const auto copy = std::ranges::find_if(hosted, [](const auto& found) { return found.is_future; });
  ASSERT_NE(copy, hosted.end());
  ASSERT_GT(copy->log->log_end_offset(), Offset(50));
  copy->log->publish_high_watermark(copy->log->log_end_offset());
  EXPECT_EQ(copy->log->apply_retention(much_later), 0U);
  EXPECT_EQ(copy->log->log_start_offset(), Offset(0));
  EXPECT_GT(world.log()->apply_retention(much_later), 0U);
  const auto start = world.log()->log_start_offset();
  EXPECT_GT(start, Offset(50));
  world.shard.run();
  world.go_on();
  EXPECT_EQ(world.place(), world.second());
  EXPECT_EQ(world.log()->log_start_offset(), start);
}

TEST_F(ReplicaMoves, BeginWithinTheFirstBatch) {
  start();
  world.fill(1);
  ASSERT_TRUE(world.log()->advance_log_start_offset(Offset(1)));
  const auto records = world.read_all(Offset(1));
  world.move_to(world.second());
  EXPECT_EQ(world.log()->log_start_offset(), Offset(1));
  EXPECT_EQ(world.read_all(Offset(1)), records);
  restart();
  EXPECT_EQ(world.log()->log_start_offset(), Offset(1));
}

TEST_F(ReplicaMoves, FollowTruncations) {
  start();
  world.fill(40);
  for (const auto target : {Offset(150), Offset(20), Offset(0)}) {
    world.begin_move(world.other_than(world.place()), target > Offset(100) ? 12 : 0);
    world.log()->truncate_to(target, [](const Status& status) { EXPECT_TRUE(status); });
    world.shard.run();
    EXPECT_LE(world.log()->log_end_offset(), target);
    EXPECT_TRUE(world.append({.values = {"in their place"}, .leader_epoch = LeaderEpoch(20)}));
    const auto records = world.read_all();
    world.go_on();
    ASSERT_EQ(world.hosted().size(), 1U);
    EXPECT_EQ(world.read_all(), records);
  }
}

// As many records take the place of those that went, so that the copy's end tells nothing of which it has.
TEST_F(ReplicaMoves, FollowATruncationInAnyTurn) {
  for (int turns = 0; turns < 150 && !HasFailure(); ++turns) {
    SCOPED_TRACE(turns);
    MoveWorld own{small_segments()};
    ASSERT_TRUE(own.start_all());
    own.fill(4);
    auto expected = own.read_all();
    const auto end = own.log()->log_end_offset();
    own.after_turns(turns, [&] {
      own.log()->truncate_to(Offset(9), [&](const Status& status) {
        EXPECT_TRUE(status);
        std::erase_if(expected, [&](const auto& record) { return record.offset >= own.log()->log_end_offset(); });
        own.shard.post([&] { own.replace_up_to(end, expected); });
      });
    });
    ASSERT_FALSE(own.ask(own.second()));
    own.finish();
    own.finish();
    EXPECT_EQ(own.place(), own.second());
    EXPECT_EQ(own.log()->log_end_offset(), end);
    EXPECT_EQ(own.read_all(), expected);
  }
}

TEST_F(ReplicaMoves, EndWhenTheTopicIsDeleted) {
  start();
  world.fill(5);
  world.begin_move(world.second());
  std::optional<Status> removed;
  world.log()->stop();
  world.manager->remove({"events", PartitionIndex(0)}, [&](Status status) { removed = std::move(status); });
  world.finish();
  ASSERT_TRUE(removed && *removed);
  EXPECT_TRUE(world.hosted().empty());
  EXPECT_TRUE(MoveWorld::names_ending(world.second(), "-future").empty());
  EXPECT_EQ(MoveWorld::names_ending(world.first(), "-delete").size(), 1U);
}

TEST_F(ReplicaMoves, CopyLogsOfTheOldFormats) {
  for (const auto& name : names_in(source_path("test/broker/log/golden/kafka_3_9_old_formats_recovered"))) {
    if (!name.ends_with("-0")) continue;
    SCOPED_TRACE(name);
    const auto topic = name.substr(0, name.size() - 2);
    MoveWorld old;
    fs::create_directories(old.first());
    fs::copy(source_path("test/broker/log/golden/kafka_3_9_old_formats_recovered/" + name), old.first() + "/" + name,
             fs::copy_options::recursive);
    ASSERT_TRUE(old.start_all());
    const auto end = old.log(topic)->log_end_offset();
    Bytes before;
    for (const auto& file : MoveWorld::names_ending(old.first() + "/" + name, ".log"))
      before = joined({before, file_bytes(old.first() + "/" + name + "/" + file)});
    old.move_to(old.second(), topic);
    EXPECT_EQ(old.log(topic)->log_end_offset(), end);
    Bytes after;
    for (const auto& file : MoveWorld::names_ending(old.second() + "/" + name, ".log"))
      after = joined({after, file_bytes(old.second() + "/" + name + "/" + file)});
    EXPECT_EQ(after, before);
    ASSERT_TRUE(old.stop());
    ASSERT_TRUE(old.start_all());
    EXPECT_EQ(old.log(topic)->log_end_offset(), end);
  }
}

}  // namespace
}  // namespace millrace::log::test

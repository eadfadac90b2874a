// Moves and the turns that they share with others.
#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "broker/log/replica_move.h"
#include "test/broker/log/held_disk.h"
#include "test/broker/log/move_world.h"

namespace millrace::log::test {
namespace {

struct MovesUnderAppends : testing::Test {
  void append() {
    auto batch = std::make_shared<Bytes>(make_batch({.values = {"late"}}));
    ++sent;
    world.log()->append({*batch, AppendOrigin::client, world.leader_epoch, world.shard.clock().wall_clock()},
                        [this, batch](const AppendOutcome& outcome) { answered += outcome ? 1 : 0; });
  }
  // Something comes in each turn of the shard, until another move takes the only turn.
  void append_in_turns(int turns) {
    append();
    if (turns == 0) return bounds.take_turn([] {});
    world.shard.post([this, turns] { append_in_turns(turns - 1); });
  }

  MoveWorld world;
  MoveBounds bounds{1};
  int sent = 0;
  int answered = 0;
};

class MovesThatHoldAppends : public MovesUnderAppends, public testing::WithParamInterface<int> {};

TEST_P(MovesThatHoldAppends, WaitForNoOtherMove) {
  ASSERT_TRUE(world.start());
  world.fill(1);
  std::optional<Status> ended;
  auto move = std::make_shared<ReplicaMove>(
      world.log(), world.log("copy"), bounds,
      ReplicaMove::Host{[] { return Result<std::string>(fail(ErrorKind::cancelled, "not now")); },
                        [&](Status status) { ended = std::move(status); }});
  move->start();
  append_in_turns(GetParam());
  world.shard.run();
  EXPECT_EQ(answered, sent);
  EXPECT_TRUE(world.append({.values = {"later"}}));
  move->cancel();
  bounds.end_turn();
  world.shard.run();
  world.shard.advance(std::chrono::seconds(1));
  EXPECT_TRUE(ended.has_value());
}

INSTANTIATE_TEST_SUITE_P(Turns, MovesThatHoldAppends, testing::Range(0, 60));

// The log is slow to cut itself, and the copy is not: what the log still has then is no gap that compaction has left.
class MovesOfLogsThatAreBeingCut : public testing::TestWithParam<int> {};

TEST_P(MovesOfLogsThatAreBeingCut, SkipNothingThatComesInItsPlace) {
  MoveWorld world;
  HeldDisk disk(world.shard);
  world.manager = std::make_unique<LogManager>(world.options, unsynced_files(), world.shard.clock(), world.shard.pool(),
                                               world.random, [&](const TopicPartition& log) -> Shard& {
                                                 return log.topic == "events" ? static_cast<Shard&>(disk) : world.shard;
                                               });
  ASSERT_TRUE(world.manager->open_directories());
  ASSERT_TRUE(world.manager->load([&](const std::string&) { return world.config; }));
  world.fill(3);
  MoveBounds bounds{1};
  std::optional<Status> ended;
  auto move = std::make_shared<ReplicaMove>(
      world.log(), world.log("copy"), bounds,
      ReplicaMove::Host{[] { return Result<std::string>(fail(ErrorKind::cancelled, "not now")); },
                        [&](Status status) { ended = std::move(status); }});
  move->start();
  // At any point of the way there is more to copy, and it stops.
  world.after_turns(GetParam(), [&] {
    bounds.set_rate(0);
    for (int number = 0; number < 3; ++number) ASSERT_TRUE(world.append({.values = {"more"}}));
  });
  world.shard.run();
  ASSERT_FALSE(ended);
  const auto end = world.log()->log_end_offset();
  disk.hold();
  std::optional<Status> cut;
  world.log()->truncate_to(Offset(9), [&](Status status) { cut = std::move(status); });
  ASSERT_TRUE(disk.work());
  disk.answer();
  bounds.set_rate(MoveBounds::no_rate);
  world.shard.advance(std::chrono::seconds(1));
  while (!cut && disk.work()) disk.answer();
  ASSERT_TRUE(cut && *cut);
  std::vector<ReadRecord> records;
  world.replace_up_to(end, records);
  world.shard.run();
  // It never gets the name, and stays as it is when it has everything.
  for (int time = 0; time < 10; ++time) {
    while (disk.work()) disk.answer();
    world.shard.advance(std::chrono::milliseconds(100));
  }
  disk.unhold();
  ASSERT_FALSE(ended);
  EXPECT_EQ(world.log("copy")->log_end_offset(), end);
  EXPECT_EQ(world.read_all(Offset(0), 1 << 20, "copy"), world.read_all());
  move->cancel();
  world.shard.run();
  world.shard.advance(std::chrono::seconds(1));
  EXPECT_TRUE(ended.has_value());
}

INSTANTIATE_TEST_SUITE_P(Turns, MovesOfLogsThatAreBeingCut, testing::Range(0, 40));

}  // namespace
}  // namespace millrace::log::test

// Moves and the turns that they share with others.
#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "broker/log/replica_move.h"
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

}  // namespace
}  // namespace millrace::log::test

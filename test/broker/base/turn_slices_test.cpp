#include "broker/base/turn_slices.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>

#include "broker/base/manual_shard.h"
#include "broker/base/task.h"
#include "broker/base/work_account.h"

namespace millrace {
namespace {

struct Loop {
  ManualShard shard;
  int steps_done = 0;
  bool ended = false;

  // A step that takes so long, `steps` times.
  Task<void> run(int steps, Duration step) {
    TurnSlices slices(shard);
    for (int count = 0; count < steps; ++count) {
      co_await slices.next();
      shard.manual_clock().advance(step);
      ++steps_done;
    }
    ended = true;
  }
};

TEST(TurnSlices, LeavesAShortLoopInItsTurn) {
  Loop loop;
  loop.shard.post([&] { spawn(loop.run(1000, Duration::zero())); });
  loop.shard.run();
  EXPECT_TRUE(loop.ended);
}

TEST(TurnSlices, LetsOthersInWhenASliceIsUsedUpAndGoesOnToTheEnd) {
  Loop loop;
  loop.shard.post([&] { spawn(loop.run(1000, Shard::usual_slice / 100)); });
  int turns = 1;
  loop.shard.run();
  while (!loop.ended) {
    const int before = loop.steps_done;
    EXPECT_LT(before, 150 * turns);
    ASSERT_LE(++turns, 1000);
    loop.shard.advance(Duration::zero());
    EXPECT_GT(loop.steps_done, before);
  }
  EXPECT_EQ(loop.steps_done, 1000);
  EXPECT_GT(turns, 5);
}

TEST(TurnSlices, GoesOnOnTheAccountOfItsCoroutine) {
  Loop loop;
  auto account = std::make_shared<WorkAccount>();
  auto charged = [&]() -> Task<void> {
    co_await loop.run(200, Shard::usual_slice);
    EXPECT_EQ(WorkScope::current(), account);
  };
  loop.shard.post([&] {
    const WorkScope scope(account);
    spawn(charged());
  });
  loop.shard.run();
  EXPECT_EQ(WorkScope::current(), nullptr);
  while (!loop.ended) loop.shard.advance(Duration::zero());
}

}  // namespace
}  // namespace millrace

#include "broker/server/waiting_fetches.h"

#include <gtest/gtest.h>

#include <memory>

#include "broker/base/manual_shard.h"

namespace millrace::server {
namespace {

struct Waits {
  ManualShard shard;
  WaitingFetches waiting{2};

  std::shared_ptr<replication::FetchWait> wait(int& woken) {
    return std::make_shared<replication::FetchWait>(shard, 100, [&woken] { ++woken; });
  }
};

TEST(WaitingFetches, WakeWithTheirConnectionAndNoOther) {
  Waits waits;
  int of_seven = 0;
  int of_eight = 0;
  waits.waiting.add(0, 7, waits.wait(of_seven));
  waits.waiting.add(0, 7, waits.wait(of_seven));
  waits.waiting.add(0, 8, waits.wait(of_eight));
  waits.waiting.add(1, 7, waits.wait(of_eight));
  waits.waiting.wake(0, 7);
  waits.waiting.wake(0, 9);
  waits.shard.run();
  EXPECT_EQ(of_seven, 2);
  EXPECT_EQ(of_eight, 0);
}

TEST(WaitingFetches, OneThatIsOverIsForgottenAndItsNeighboursStay) {
  Waits waits;
  int first = 0;
  int second = 0;
  auto over = waits.wait(first);
  waits.waiting.add(0, 7, over);
  waits.waiting.add(0, 7, waits.wait(second));
  waits.waiting.remove(0, 7, over.get());
  waits.waiting.remove(0, 7, over.get());
  EXPECT_EQ(waits.waiting.size(0), 1);
  waits.waiting.wake(0, 7);
  waits.shard.run();
  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 1);
}

TEST(WaitingFetches, AStopWakesThoseThatWaitAndThoseThatComeLater) {
  Waits waits;
  int before = 0;
  int after = 0;
  waits.waiting.add(0, 7, waits.wait(before));
  waits.waiting.wake_all(0);
  waits.waiting.add(0, 8, waits.wait(after));
  waits.shard.run();
  EXPECT_EQ(before, 1);
  EXPECT_EQ(after, 1);
  EXPECT_EQ(waits.waiting.size(0), 1) << "one that comes too late is not kept";
}

}  // namespace
}  // namespace millrace::server

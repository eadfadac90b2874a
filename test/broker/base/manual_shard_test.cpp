#include "broker/base/manual_shard.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

using std::chrono::milliseconds;

TEST(ManualShard, RunsTimersInOrderOfTimeAndWhatTheyPostBeforeTheNext) {
  ManualShard shard;
  std::string order;
  shard.after(milliseconds(20), [&] { order += "b"; });
  shard.after(milliseconds(10), [&] {
    order += "a";
    shard.post([&] { order += "p"; });
  });
  shard.after(milliseconds(30), [&] { order += "c"; });
  shard.advance(milliseconds(29));
  EXPECT_EQ(order, "apb");
  shard.advance(milliseconds(1));
  EXPECT_EQ(order, "apbc");
}

TEST(ManualShard, NeverRunsACancelledTimer) {
  ManualShard shard;
  bool ran = false;
  auto timer = shard.after(milliseconds(1), [&] { ran = true; });
  shard.cancel(timer);
  shard.cancel(timer);
  shard.cancel(12345);
  shard.advance(milliseconds(10));
  EXPECT_FALSE(ran);
}

TEST(ManualShard, KnowsWhenItsOwnJobsRun) {
  ManualShard shard;
  bool current = false;
  EXPECT_FALSE(shard.is_current());
  shard.post([&] { current = shard.is_current(); });
  shard.run();
  EXPECT_TRUE(current);
}

}  // namespace
}  // namespace millrace

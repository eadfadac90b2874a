#include "broker/coordinator/group_timers.h"

#include <gtest/gtest.h>

#include "broker/coordinator/group.h"

namespace millrace::coordinator {
namespace {

MonotonicTime at(int milliseconds) { return MonotonicTime(std::chrono::milliseconds(milliseconds)); }

TEST(GroupTimers, ExpireInTheOrderOfTheirDeadlines) {
  GroupTimers timers;
  Group group("group", timers, TimestampMs(0));
  group.join_timer.arm(at(20));
  group.sync_timer.arm(at(10));
  EXPECT_EQ(timers.next_deadline(), at(10));
  EXPECT_EQ(timers.take_expired(at(9)), nullptr);
  EXPECT_EQ(timers.take_expired(at(20)), &group.sync_timer);
  EXPECT_EQ(timers.take_expired(at(20)), &group.join_timer);
  EXPECT_EQ(timers.take_expired(at(20)), nullptr);
  EXPECT_EQ(timers.next_deadline(), std::nullopt);
}

TEST(GroupTimers, MoveOnAndBack) {
  GroupTimers timers;
  Group group("group", timers, TimestampMs(0));
  group.join_timer.arm(at(10));
  group.join_timer.arm(at(30));
  EXPECT_EQ(timers.take_expired(at(29)), nullptr);
  EXPECT_EQ(timers.next_deadline(), at(30));
  group.join_timer.arm(at(5));
  EXPECT_EQ(timers.next_deadline(), at(5));
  EXPECT_EQ(timers.take_expired(at(5)), &group.join_timer);
  EXPECT_EQ(timers.take_expired(at(50)), nullptr);
}

TEST(GroupTimers, AreGoneWhenTheyAreCancelledOrDestroyed) {
  GroupTimers timers;
  {
    Group group("group", timers, TimestampMs(0));
    group.join_timer.arm(at(10));
    group.join_timer.cancel();
    EXPECT_EQ(timers.next_deadline(), std::nullopt);
    group.sync_timer.arm(at(10));
  }
  EXPECT_EQ(timers.take_expired(at(10)), nullptr);
}

}  // namespace
}  // namespace millrace::coordinator

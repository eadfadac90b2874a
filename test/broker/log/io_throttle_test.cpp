#include "broker/log/io_throttle.h"

#include <gtest/gtest.h>

namespace millrace::log {
namespace {

using std::chrono::milliseconds;

constexpr MonotonicTime start{};

TEST(IoThrottle, LetsASpellPassBeforeItJudges) {
  IoThrottle throttle(1000);
  EXPECT_EQ(throttle.charge(100'000, start), Duration::zero());
  EXPECT_EQ(throttle.charge(0, start + milliseconds(299)), Duration::zero());
}

TEST(IoThrottle, MakesWhoIsTooFastWaitUntilTheRateIsKept) {
  IoThrottle throttle(1000);
  throttle.charge(500, start);
  EXPECT_EQ(throttle.charge(500, start + milliseconds(300)), milliseconds(700));
  // After the wait a new spell begins.
  EXPECT_EQ(throttle.charge(100, start + milliseconds(1000)), Duration::zero());
  EXPECT_EQ(throttle.charge(300, start + milliseconds(1300)), milliseconds(100));
}

TEST(IoThrottle, MakesNobodyWaitBelowTheRate) {
  IoThrottle throttle(1e12);
  throttle.charge(1 << 30, start);
  EXPECT_EQ(throttle.charge(1 << 30, start + milliseconds(300)), Duration::zero());
}

TEST(IoThrottle, FollowsAChangedRate) {
  IoThrottle throttle(1e12);
  throttle.charge(1000, start);
  throttle.set_rate(1000);
  EXPECT_EQ(throttle.charge(0, start + milliseconds(400)), milliseconds(600));
}

}  // namespace
}  // namespace millrace::log

#include "broker/network/thread_sharing.h"

#include <gtest/gtest.h>

#include "broker/network/system_cpu_supply.h"

namespace millrace::network {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

MonotonicTime at(Duration since_start) { return MonotonicTime(seconds(100)) + since_start; }

struct FakeSupply final : CpuSupply {
  CpuSample now;
  int asked = 0;
  CpuSample sample() override {
    ++asked;
    return now;
  }
};

TEST(ThreadLoad, IsTheShareOfEachWindowByItself) {
  ThreadLoad load(milliseconds(20));
  EXPECT_FALSE(load.add(milliseconds(1), at(milliseconds(1))));
  EXPECT_FALSE(load.add(milliseconds(4), at(milliseconds(12))));
  EXPECT_TRUE(load.add(milliseconds(5), at(milliseconds(20))));
  EXPECT_DOUBLE_EQ(load.share(), 0.5);
  EXPECT_TRUE(load.add(Duration::zero(), at(milliseconds(1020)))) << "an idle second is one window";
  EXPECT_DOUBLE_EQ(load.share(), 0);
}

TEST(ThreadLoad, BeginsAnewAfterARestart) {
  ThreadLoad load(milliseconds(20));
  load.add(milliseconds(10), at(milliseconds(10)));
  load.restart();
  EXPECT_FALSE(load.add(milliseconds(1), at(seconds(9)))) << "the time away is nobody's";
}

TEST(LongTurns, PartShardsByOneThatIsVeryLongOrSeveralInAShortTime) {
  LongTurns one{SharingConfig{}};
  EXPECT_FALSE(one.add(milliseconds(1), at(milliseconds(0))));
  EXPECT_TRUE(one.add(milliseconds(20), at(milliseconds(30))));
  LongTurns several{SharingConfig{}};
  EXPECT_FALSE(several.add(milliseconds(4), at(milliseconds(0))));
  EXPECT_FALSE(several.add(milliseconds(4), at(milliseconds(200))));
  EXPECT_FALSE(several.add(milliseconds(4), at(milliseconds(400)))) << "the first was long ago";
  EXPECT_TRUE(several.add(milliseconds(4), at(milliseconds(420))));
  EXPECT_FALSE(several.add(milliseconds(4), at(milliseconds(430)))) << "what parted them once counts no more";
}

struct HostSharingTest : testing::Test {
  SharingConfig config;
  FakeSupply supply;
  HostSharing sharing{config, supply};
};

TEST_F(HostSharingTest, AsksNothingOfTheSystemWhileItHasTime) {
  for (int window = 0; window < 50; ++window) EXPECT_EQ(sharing.leaving_guests(0.8, at(milliseconds(20 * window))), 0U);
  EXPECT_EQ(supply.asked, 0);
}

TEST_F(HostSharingTest, GivesBackOneGuestForEachIdleCoreOnceItIsSaturatedForLong) {
  EXPECT_EQ(sharing.leaving_guests(0.95, at(milliseconds(0))), 0U);
  supply.now.idle = milliseconds(150);
  EXPECT_EQ(sharing.leaving_guests(0.95, at(milliseconds(60))), 0U);
  supply.now.idle = milliseconds(320);
  EXPECT_EQ(sharing.leaving_guests(0.95, at(milliseconds(100))), 3U);
}

TEST_F(HostSharingTest, KeepsItsGuestsWhereNoCoreIsIdle) {
  sharing.leaving_guests(1, at(milliseconds(0)));
  supply.now.idle = milliseconds(10);
  for (int window = 1; window < 100; ++window) EXPECT_EQ(sharing.leaving_guests(1, at(milliseconds(20 * window))), 0U);
}

TEST_F(HostSharingTest, GivesAGuestBackWhereOthersCrowdItOut) {
  sharing.leaving_guests(1, at(milliseconds(0)));
  supply.now.delay = milliseconds(30);
  EXPECT_EQ(sharing.leaving_guests(1, at(milliseconds(100))), 1U);
}

TEST_F(HostSharingTest, CountsSaturationFromItsLastBeginning) {
  sharing.leaving_guests(1, at(milliseconds(0)));
  sharing.leaving_guests(0.5, at(milliseconds(80)));
  supply.now.idle = milliseconds(500);
  EXPECT_EQ(sharing.leaving_guests(1, at(milliseconds(120))), 0U);
}

TEST(GuestSharing, JoinsWhenBothHaveRoomOnOneCore) {
  GuestSharing sharing{SharingConfig{}};
  EXPECT_TRUE(sharing.should_join(0.3, 0.3, {}, at({})));
  EXPECT_FALSE(sharing.should_join(0.4, 0.4, {}, at({})));
}

TEST(GuestSharing, StaysAtHomeForAWhileAndWhileTheHostWantsToBeAlone) {
  GuestSharing sharing{SharingConfig{}};
  sharing.came_home(at({}));
  EXPECT_FALSE(sharing.should_join(0, 0, {}, at(milliseconds(100))));
  EXPECT_TRUE(sharing.should_join(0, 0, {}, at(milliseconds(300))));
  EXPECT_FALSE(sharing.should_join(0, 0, at(seconds(2)), at(milliseconds(300))));
  EXPECT_TRUE(sharing.should_join(0, 0, at(seconds(2)), at(seconds(2))));
}

TEST(GuestSharing, NeverJoinsWhereSharingIsOff) {
  SharingConfig config;
  config.enabled = false;
  EXPECT_FALSE(GuestSharing(config).should_join(0, 0, {}, at(seconds(9))));
}

TEST(SystemCpuSupply, CountsIdleTimeOfTheCoresOfThisProcess) {
  SystemCpuSupply supply;
  const auto sample = supply.sample();
  EXPECT_GE(sample.idle, Duration::zero());
  EXPECT_GE(supply.sample().idle, sample.idle);
  EXPECT_GE(supply.sample().delay, sample.delay);
}

}  // namespace
}  // namespace millrace::network

#include "broker/network/thread_sharing.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "broker/network/system_cpu_supply.h"
#include "test/broker/base/temporary_directory.h"

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

TEST(HostLoad, GivesTheSameRoomToOneOnly) {
  HostLoad load;
  load.publish(0.25);
  const auto seen = load.share();
  EXPECT_TRUE(load.take(seen, 0.25));
  EXPECT_FALSE(load.take(seen, 0.25)) << "it was the other's room";
  EXPECT_EQ(load.share(), 0.5);
  load.publish(0.3);
  EXPECT_EQ(load.share(), 0.3) << "the host knows better";
}

TEST(UsableIdleTime, IsThatOfTheCoresAndNoMoreThanTheQuotaLeft) {
  UsableIdleTime idle;
  EXPECT_EQ(idle.add(seconds(100), seconds(50)), Duration::zero()) << "what was before does not count";
  EXPECT_EQ(idle.add(seconds(103), seconds(60)), seconds(3));
  EXPECT_EQ(idle.add(seconds(110), seconds(62)), seconds(5));
}

TEST(UsableIdleTime, NeverFalls) {
  UsableIdleTime idle;
  idle.add(seconds(100), seconds(50));
  EXPECT_EQ(idle.add(seconds(99), seconds(70)), Duration::zero()) << "the kernel's count fell";
  EXPECT_EQ(idle.add(seconds(101), seconds(65)), Duration::zero()) << "more was used than granted";
  EXPECT_EQ(idle.add(seconds(102), seconds(66)), seconds(1));
}

struct Proc {
  // Of the core that this thread runs on, and of one that nobody has; in ticks.
  void write(int idle, int io_wait, int absent_idle) {
    std::ofstream(folder.path() + "/stat") << "cpu  1 2 3 " << idle + absent_idle << ' ' << io_wait << " 0 0 0 0 0\n"
                                           << "cpu" << core << " 10 20 30 " << idle << ' ' << io_wait << " 0 0 0 0 0\n"
                                           << "cpu1023 10 20 30 " << absent_idle << " 0 0 0 0 0 0\nintr 12 34\n";
  }
  TemporaryDirectory folder;
  const int core = ::sched_getcpu();
  const Duration tick = Duration(seconds(1)) / ::sysconf(_SC_CLK_TCK);
};

TEST(SystemCpuSupply, CountsIdleTimeOfTheCoresOfThisProcess) {
  Proc proc;
  proc.write(1000, 50, 0);
  SystemCpuSupply supply(proc.folder.path(), std::nullopt);
  EXPECT_EQ(supply.sample().idle, Duration::zero()) << "what was before does not count";
  proc.write(1300, 50, 0);
  EXPECT_EQ(supply.sample().idle, 300 * proc.tick);
  proc.write(1300, 60, 0);
  EXPECT_EQ(supply.sample().idle, 310 * proc.tick) << "who waits for a disk leaves the core to others";
  proc.write(1300, 60, 5000);
  EXPECT_EQ(supply.sample().idle, 310 * proc.tick) << "of a core that is not this process's";
  std::filesystem::remove(proc.folder.path() + "/stat");
  EXPECT_EQ(supply.sample().idle, 310 * proc.tick);
}

TEST(SystemCpuSupply, CountsHowLongItsThreadWaitedForACore) {
  Proc proc;
  SystemCpuSupply supply(proc.folder.path(), std::nullopt);
  EXPECT_EQ(supply.sample().delay, Duration::zero());
  std::filesystem::create_directory(proc.folder.path() + "/thread-self");
  std::ofstream(proc.folder.path() + "/thread-self/schedstat") << "5000 7000 3\n";
  EXPECT_EQ(supply.sample().delay, std::chrono::nanoseconds(7000));
}

TEST(SystemCpuSupply, ReadsWhatTheKernelSays) {
  SystemCpuSupply supply;
  const auto first = supply.sample();
  EXPECT_EQ(first.idle, Duration::zero());
  const auto second = supply.sample();
  EXPECT_GE(second.idle, first.idle);
  EXPECT_GE(second.delay, first.delay);
  std::ifstream stat("/proc/stat");
  std::string word;
  EXPECT_TRUE(stat >> word && word == "cpu") << "another form of the file";
}

}  // namespace
}  // namespace millrace::network

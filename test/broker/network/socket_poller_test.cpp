#include "broker/network/socket_poller.h"

#include <sys/socket.h>

#include <array>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

namespace millrace::network {
namespace {

struct Watcher final : SocketWatcher {
  void on_ready(Readiness readiness) override {
    told.push_back(readiness);
    if (then) then();
  }

  std::vector<Readiness> told;
  std::function<void()> then;
};

// Two ends of a stream; the first one is watched.
struct Pair {
  Pair() {
    std::array<int, 2> ends{-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    near = UniqueFd(ends[0]);
    far = UniqueFd(ends[1]);
  }
  void send() const { EXPECT_EQ(::send(far.get(), "x", 1, 0), 1); }

  UniqueFd near;
  UniqueFd far;
  Watcher watcher;
};

struct SocketPollerTest : testing::Test {
  SocketPollerTest() { EXPECT_TRUE(poller.open()); }
  void watch(Pair& pair) { EXPECT_TRUE(poller.watch(pair.near.get(), pair.watcher)); }
  void poll() {
    poller.wait(Duration::zero());
    poller.tell();
  }

  SocketPoller poller;
};

TEST_F(SocketPollerTest, TellsWhatIsReadyAlreadyAndThenChangesOnly) {
  Pair pair;
  pair.send();
  watch(pair);
  poll();
  ASSERT_EQ(pair.watcher.told.size(), 1);
  EXPECT_TRUE(pair.watcher.told[0].readable);
  EXPECT_TRUE(pair.watcher.told[0].writable);
  EXPECT_FALSE(pair.watcher.told[0].ended);
  poll();
  EXPECT_EQ(pair.watcher.told.size(), 1) << "nothing has changed, though nobody has read";
  pair.send();
  poll();
  ASSERT_EQ(pair.watcher.told.size(), 2);
  EXPECT_TRUE(pair.watcher.told[1].readable);
}

TEST_F(SocketPollerTest, TellsTheEndOfAPeer) {
  Pair pair;
  watch(pair);
  poll();
  pair.far.reset();
  poll();
  ASSERT_EQ(pair.watcher.told.size(), 2);
  EXPECT_FALSE(pair.watcher.told[0].readable);
  EXPECT_TRUE(pair.watcher.told[1].readable);
  EXPECT_TRUE(pair.watcher.told[1].ended);
}

TEST_F(SocketPollerTest, TellsNobodyWhoWasForgottenInTheSameTurn) {
  Pair first;
  Pair second;
  for (auto* pair : {&first, &second}) {
    auto* other = pair == &first ? &second : &first;
    pair->watcher.then = [this, other] { poller.forget(other->near.get(), other->watcher); };
    pair->send();
    watch(*pair);
  }
  poll();
  EXPECT_EQ(first.watcher.told.size() + second.watcher.told.size(), 1);
}

TEST_F(SocketPollerTest, WaitsForNoLongerThanItIsTold) {
  Pair silent;
  watch(silent);
  poll();
  poller.wait(std::chrono::microseconds(10));
  poller.tell();
  EXPECT_EQ(silent.watcher.told.size(), 1);
}

TEST_F(SocketPollerTest, SaysThatItCannotWatchWhatIsNoSocket) {
  Watcher watcher;
  EXPECT_FALSE(poller.watch(-1, watcher));
}

}  // namespace
}  // namespace millrace::network

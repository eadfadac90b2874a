// Shards that share a thread: what holds for shards on threads of their own holds while they move in and out.
#include "broker/network/shard_thread.h"

#include <sys/eventfd.h>

#include <array>
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "broker/network/shard_runtime.h"
#include "broker/network/unique_fd.h"
#include "test/broker/network/on_shard.h"
#include "test/broker/network/raw_client.h"

namespace millrace::network {
namespace {

using std::chrono::milliseconds;

// Shards move all the time: a thread that is busy for a moment gives them back, and they return at once.
SharingConfig restless() {
  SharingConfig config;
  config.window = std::chrono::microseconds(200);
  config.home_min = Duration::zero();
  config.very_long_turn = std::chrono::microseconds(300);
  config.long_turn = std::chrono::microseconds(300);
  config.apart_after_long_turns = std::chrono::microseconds(100);
  config.join_below = 3;
  return config;
}

// No turn counts as a long one: a busy machine may stop a thread at any time.
SharingConfig patient() {
  SharingConfig config;
  config.long_turn = config.very_long_turn = std::chrono::minutes(1);
  return config;
}

struct SharedShards {
  explicit SharedShards(std::size_t shards, const SharingConfig& sharing = patient(), CpuSupply* supply = nullptr) {
    ShardRuntimeConfig config;
    config.shards = shards;
    config.sharing = sharing;
    config.cpu_supply = supply;
    auto started = ShardRuntime::start(config, metrics);
    EXPECT_TRUE(started.has_value());
    runtime = std::move(*started);
  }
  Shard& at(ShardId id) const { return runtime->at(id); }
  std::thread::id thread_of(ShardId id) const {
    return on(at(id), [] { return std::this_thread::get_id(); });
  }
  double wakes() {
    double all = 0;
    for (ShardId id = 0; id < runtime->size(); ++id) {
      all += metrics.counter("millrace_shard_wakes_total", "", {{"shard", std::to_string(id)}}).value();
    }
    return all;
  }
  double sharing() { return metrics.gauge("millrace_shards_sharing_a_thread", "").value(); }
  bool share_one_thread() {
    return eventually([&] { return sharing() == static_cast<double>(runtime->size() - 1); });
  }

  MetricsRegistry metrics;
  std::unique_ptr<ShardRuntime> runtime;
};

// A turn that takes so long.
void work_for(Duration busy) {
  const auto until = std::chrono::steady_clock::now() + busy;
  while (std::chrono::steady_clock::now() < until) {
  }
}

// Works for `busy`, then again, until it is told to stop.
struct Spin {
  Shard& shard;
  std::atomic<bool>& stop;
  Duration busy;
  std::atomic<int>& rounds;
  void operator()() {
    work_for(busy);
    ++rounds;
    if (!stop) shard.post(*this);
  }
};

// A machine where a core was idle in each window.
struct IdleCores final : CpuSupply {
  CpuSample now;
  CpuSample sample() override {
    now.idle += SharingConfig{}.window;
    return now;
  }
};

TEST(ShardThread, RunsIdleShardsOnOneThreadWithTheirIdentityKept) {
  SharedShards shards(3);
  ASSERT_TRUE(shards.share_one_thread());
  EXPECT_EQ(shards.thread_of(1), shards.thread_of(0));
  EXPECT_EQ(shards.thread_of(2), shards.thread_of(0));
  EXPECT_TRUE(on(shards.at(1), [&] { return shards.at(1).is_current() && !shards.at(0).is_current(); }));
}

TEST(ShardThread, GivesEachShardItsOwnThreadWhereSharingIsOff) {
  SharingConfig off;
  off.enabled = false;
  SharedShards shards(2, off);
  EXPECT_NE(shards.thread_of(1), shards.thread_of(0));
  EXPECT_EQ(shards.sharing(), 0);
}

TEST(ShardThread, RunsTimersAndSocketsOfAShardThatIsAGuest) {
  SharedShards shards(2);
  ASSERT_TRUE(shards.share_one_thread());
  std::promise<void> timer_ran;
  shards.at(1).post([&] { shards.at(1).after(milliseconds(5), [&] { timer_ran.set_value(); }); });
  EXPECT_EQ(timer_ran.get_future().wait_for(patience), std::future_status::ready);

  struct Watcher final : SocketWatcher {
    std::promise<void> told;
    std::atomic<bool> once{false};
    void on_ready(Readiness readiness) override {
      if (readiness.readable && !once.exchange(true)) told.set_value();
    }
  } watcher;
  UniqueFd descriptor(::eventfd(0, EFD_NONBLOCK));
  auto& loop = shards.runtime->loop(1);
  on(loop, [&] { EXPECT_TRUE(loop.sockets().watch(descriptor.get(), watcher)); });
  ASSERT_TRUE(shards.share_one_thread());
  const std::uint64_t one = 1;
  ASSERT_EQ(::write(descriptor.get(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
  EXPECT_EQ(watcher.told.get_future().wait_for(patience), std::future_status::ready);
  on(loop, [&] { loop.sockets().forget(descriptor.get(), watcher); });
}

TEST(ShardThread, WakesNobodyForJobsBetweenShardsThatShare) {
  SharedShards shards(2);
  ASSERT_TRUE(shards.share_one_thread());
  std::promise<double> woken;
  struct Hop {
    SharedShards& shards;
    std::promise<double>& woken;
    double before;
    int left;
    void operator()() {
      if (left == 0) return woken.set_value(shards.wakes() - before);
      shards.at(static_cast<ShardId>(left % 2)).post(Hop{shards, woken, before, left - 1});
    }
  };
  shards.at(0).post([&] { Hop{shards, woken, shards.wakes(), 1'000}(); });
  EXPECT_EQ(woken.get_future().get(), 0);
}

TEST(ShardThread, GivesTheBusiestGuestItsOwnThreadWhenTheHostIsFullAndCoresAreIdle) {
  auto config = patient();
  config.split_above = 0.1;
  config.split_after = Duration::zero();
  config.join_below = 0;  // nobody comes back
  IdleCores cores;
  SharedShards shards(3, config, &cores);
  ASSERT_TRUE(shards.share_one_thread());
  std::atomic<bool> stop{false};
  std::atomic<int> rounds{0};
  shards.at(2).post(Spin{shards.at(2), stop, milliseconds(1), rounds});
  EXPECT_TRUE(eventually([&] { return shards.sharing() < 2; }));
  EXPECT_NE(shards.thread_of(2), shards.thread_of(0));
  EXPECT_EQ(shards.thread_of(1), shards.thread_of(0)) << "the idle one went too";
  stop = true;
  shards.runtime->stop();
}

TEST(ShardThread, PartsShardsOfWhichOneHoldsUpTheOther) {
  SharingConfig config;
  config.apart_after_long_turns = std::chrono::minutes(10);
  SharedShards shards(2, config);
  ASSERT_TRUE(shards.share_one_thread());
  shards.at(1).post([] { work_for(milliseconds(60)); });
  EXPECT_TRUE(eventually([&] { return shards.sharing() == 0; }));
  EXPECT_NE(shards.thread_of(1), shards.thread_of(0));
}

TEST(ShardThread, BringsShardsTogetherAgainWhenTheyHaveLittleToDo) {
  SharingConfig config;
  config.apart_after_long_turns = milliseconds(50);
  SharedShards shards(2, config);
  ASSERT_TRUE(shards.share_one_thread());
  shards.at(1).post([] { work_for(milliseconds(60)); });
  EXPECT_TRUE(eventually([&] { return shards.thread_of(1) != shards.thread_of(0); }));
  EXPECT_TRUE(shards.share_one_thread());
  EXPECT_TRUE(eventually([&] { return shards.thread_of(1) == shards.thread_of(0); }));
}

TEST(ShardThread, KeepsTheOrderOfJobsWhileShardsMoveInAndOut) {
  constexpr std::uint32_t count = 3;
  SharedShards shards(count, restless());
  struct Receiver {
    std::array<std::uint64_t, count + 1> next{};  // by sender, the last one is a thread
    std::uint64_t out_of_order = 0;
  };
  std::array<Receiver, count> receivers;
  std::array<std::atomic<std::uint64_t>, count + 1> sent{};
  std::atomic<std::uint64_t> received{0};
  std::atomic<bool> stop{false};
  auto send = [&](std::uint32_t sender) {
    const auto number = sent[sender]++;
    for (std::uint32_t receiver = 0; receiver < count; ++receiver) {
      shards.at(receiver).post([&, sender, receiver, number] {
        auto& mine = receivers[receiver];
        if (mine.next[sender]++ != number) ++mine.out_of_order;
        received.fetch_add(1, std::memory_order_relaxed);
      });
    }
  };
  struct Sender {
    Shard& shard;
    std::atomic<bool>& stop;
    decltype(send)& send_one;
    std::uint32_t id;
    std::uint32_t round = 0;
    void operator()() {
      for (int step = 0; step < 5; ++step) send_one(id);
      // Now and then a turn that is long enough to part them.
      if (++round % 50 == id) work_for(std::chrono::microseconds(400));
      if (!stop) shard.post(*this);
    }
  };
  for (std::uint32_t id = 0; id < count; ++id) shards.at(id).post(Sender{shards.at(id), stop, send, id});
  double moves = 0;
  double before = 0;
  const auto moved_enough = eventually([&] {
    for (int job = 0; job < 20; ++job) send(count);
    const double now = shards.sharing();
    moves += std::abs(now - std::exchange(before, now));
    return moves > 40;
  });
  EXPECT_TRUE(moved_enough) << "only " << moves << " moves: the test says little";
  stop = true;
  EXPECT_TRUE(eventually([&] {
    std::uint64_t all = 0;
    for (auto& number : sent) all += number;
    return received == all * count;
  }));
  shards.runtime->stop();
  for (auto& receiver : receivers) EXPECT_EQ(receiver.out_of_order, 0U);
}

TEST(ShardThread, StopsWhenAShardComesIntoTheHostsLastTurn) {
  auto sharing = restless();
  sharing.split_above = 2;  // who moved in stays
  // The instant is short: a thousand rounds or so meet it.
  for (int round = 0; round < 3000; ++round) {
    SharedShards shards(4, sharing);
    // Stopped while threads that have just begun bring their shards.
    shards.runtime->stop();
  }
}

TEST(ShardThread, StopsWhileShardsMove) {
  for (int round = 0; round < 30; ++round) {
    SharedShards shards(3, restless());
    std::atomic<bool> stop{false};
    std::atomic<int> rounds{0};
    for (ShardId id = 0; id < 3; ++id) {
      shards.at(id).post(Spin{shards.at(id), stop, std::chrono::microseconds(100 * (id + 1)), rounds});
    }
    EXPECT_TRUE(eventually([&] { return rounds > 2 * round; }));
    stop = true;
    shards.runtime->stop();
  }
}

}  // namespace
}  // namespace millrace::network

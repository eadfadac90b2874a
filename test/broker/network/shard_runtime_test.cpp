#include "broker/network/shard_runtime.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <csignal>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "broker/network/event_loop.h"
#include "test/broker/network/on_shard.h"
#include "test/broker/network/raw_client.h"

namespace millrace::network {
namespace {

std::unique_ptr<ShardRuntime> start(std::size_t shards, MetricsRegistry& metrics, std::size_t blocking_threads = 4) {
  auto runtime = ShardRuntime::start({.shards = shards, .blocking_threads_max = blocking_threads}, metrics);
  EXPECT_TRUE(runtime.has_value()) << runtime.error().message;
  return std::move(*runtime);
}

TEST(ShardRuntime, RunsJobsOnTheirShardAndNowhereElse) {
  MetricsRegistry metrics;
  auto runtime = start(3, metrics);
  for (ShardId id = 0; id < 3; ++id) {
    EXPECT_EQ(runtime->at(id).id(), id);
    EXPECT_FALSE(runtime->at(id).is_current());
    EXPECT_TRUE(
        on(runtime->at(id), [&] { return runtime->at(id).is_current() && !runtime->at((id + 1) % 3).is_current(); }));
  }
}

TEST(ShardRuntime, RefusesToStartWithoutAShard) {
  MetricsRegistry metrics;
  auto runtime = ShardRuntime::start({.shards = 0}, metrics);
  ASSERT_FALSE(runtime.has_value());
  EXPECT_EQ(runtime.error().kind, ErrorKind::invalid_argument);
}

// Long work of several requests, each of which puts its next slice aside.
TEST(ShardRuntime, RunsOneJobATurnOfThoseThatWerePutAside) {
  MetricsRegistry metrics;
  auto runtime = start(1, metrics);
  auto& shard = runtime->loop(0);
  struct Run {
    std::string order;
    std::vector<MonotonicTime> turns;
    std::promise<void> ended;
  } run;
  struct Slice {
    EventLoop& shard;
    Run& run;
    char name;
    int left;
    void operator()() {
      run.order += name;
      run.turns.push_back(shard.turn_time());
      if (--left > 0) return shard.run_aside(*this);
      if (name == 'c') run.ended.set_value();
    }
  };
  shard.post([&] {
    for (const char name : {'a', 'b', 'c'}) shard.run_aside(Slice{shard, run, name, 2});
  });
  ASSERT_EQ(run.ended.get_future().wait_for(patience), std::future_status::ready);
  EXPECT_EQ(run.order, "abcabc");
  for (std::size_t at = 1; at < run.turns.size(); ++at) EXPECT_GT(run.turns[at], run.turns[at - 1]) << at;
}

TEST(ShardRuntime, ServesItsSocketsBetweenJobsThatWerePutAside) {
  MetricsRegistry metrics;
  auto runtime = start(1, metrics);
  auto& shard = runtime->loop(0);
  struct Work final : SocketWatcher {
    explicit Work(EventLoop& shard) : shard(shard) {}
    void on_ready(Readiness) override { served = true; }
    void work() {
      if (served || ++slices == 1'000) return ended.set_value(slices);
      shard.run_aside([this] { work(); });
    }
    EventLoop& shard;
    UniqueFd socket{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    bool served = false;
    int slices = 0;
    std::promise<int> ended;
  } work(shard);
  shard.post([&] {
    ASSERT_TRUE(shard.sockets().watch(work.socket.get(), work));
    work.work();
    const std::uint64_t one = 1;
    ASSERT_EQ(::write(work.socket.get(), &one, sizeof one), sizeof one);
  });
  auto ended = work.ended.get_future();
  ASSERT_EQ(ended.wait_for(patience), std::future_status::ready);
  EXPECT_LE(ended.get(), 2);
}

TEST(ShardRuntime, KeepsTheOrderOfJobsOfEachSenderUnderAStormFromShardsAndThreads) {
  constexpr std::uint32_t shards = 3;
  constexpr std::uint32_t senders = shards + 2;
  constexpr std::uint32_t jobs_per_sender = 20'000;
  MetricsRegistry metrics;
  auto runtime = start(shards, metrics);
  struct Receiver {
    std::uint32_t next[senders] = {};  // the receiver's own, no lock
    bool in_order = true;
  };
  Receiver receivers[shards];
  std::atomic<std::uint32_t> received{0};
  auto send = [&](std::uint32_t sender, std::uint32_t number) {
    for (std::uint32_t receiver = 0; receiver < shards; ++receiver) {
      runtime->at(receiver).post([&, sender, number, receiver] {
        receivers[receiver].in_order &= receivers[receiver].next[sender]++ == number;
        received.fetch_add(1, std::memory_order_relaxed);
      });
    }
  };
  std::vector<std::thread> threads;
  for (std::uint32_t sender = shards; sender < senders; ++sender) {
    threads.emplace_back([&, sender] {
      for (std::uint32_t number = 0; number < jobs_per_sender; ++number) send(sender, number);
    });
  }
  // Shards send in turns of 100, each turn posted by the one before.
  struct Turn {
    ShardRuntime& runtime;
    decltype(send)& send_one;
    std::uint32_t sender;
    std::uint32_t number;
    void operator()() {
      for (int step = 0; step < 100 && number < jobs_per_sender; ++step) send_one(sender, number++);
      if (number < jobs_per_sender) runtime.at(sender).post(*this);
    }
  };
  for (std::uint32_t sender = 0; sender < shards; ++sender) runtime->at(sender).post(Turn{*runtime, send, sender, 0});
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(eventually([&] { return received == shards * senders * jobs_per_sender; }));
  runtime->stop();
  for (auto& receiver : receivers) EXPECT_TRUE(receiver.in_order);
}

TEST(ShardRuntime, LosesNoWakeWhenShardsFallAsleepAndArePostedToAtTheSameTime) {
  MetricsRegistry metrics;
  auto runtime = start(2, metrics);
  // Each hop finds the other shard about to sleep; a lost wake would cost a second.
  constexpr int hops = 5'000;
  std::promise<void> done;
  struct Hop {
    ShardRuntime& runtime;
    std::promise<void>& done;
    int left;
    void operator()() {
      if (left == 0) {
        done.set_value();
        return;
      }
      runtime.at(static_cast<ShardId>(left % 2)).post(Hop{runtime, done, left - 1});
    }
  };
  auto begin = std::chrono::steady_clock::now();
  runtime->at(0).post(Hop{*runtime, done, hops});
  ASSERT_EQ(done.get_future().wait_for(patience), std::future_status::ready);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
  runtime->stop();
}

TEST(ShardRuntime, CostsOneWakePerBatchOfJobs) {
  MetricsRegistry metrics;
  auto runtime = start(2, metrics);
  auto wakes = metrics.counter("millrace_shard_wakes_total", "", {{"shard", "1"}});
  std::atomic<int> ran{0};
  auto before = wakes.value();
  on(runtime->at(0), [&] {
    for (int job = 0; job < 60; ++job) runtime->at(1).post([&] { ++ran; });
  });
  EXPECT_TRUE(eventually([&] { return ran == 60; }));
  EXPECT_LE(wakes.value() - before, 1);
  runtime->stop();
}

TEST(ShardRuntime, RunsTimersNotBeforeTheirDelayAndNotMuchAfter) {
  MetricsRegistry metrics;
  auto runtime = start(1, metrics);
  auto& shard = runtime->at(0);
  std::promise<Duration> late;
  shard.post([&] {
    auto set = shard.clock().now();
    shard.after(std::chrono::milliseconds(30), [&, set] { late.set_value(shard.clock().now() - set); });
  });
  auto took = late.get_future().get();
  EXPECT_GE(took, std::chrono::milliseconds(30));
  EXPECT_LT(took, std::chrono::seconds(5));
  runtime->stop();
}

TEST(ShardRuntime, RunsTenThousandTimersInOrderAndNoneOfTheCancelled) {
  MetricsRegistry metrics;
  auto runtime = start(1, metrics);
  auto& shard = runtime->at(0);
  std::vector<int> ran;
  std::promise<void> done;
  shard.post([&] {
    std::vector<Shard::TimerId> odd;
    for (int timer = 0; timer < 10'000; ++timer) {
      auto id = shard.after(std::chrono::microseconds(timer * 10), [&, timer] { ran.push_back(timer); });
      if (timer % 2 == 1) odd.push_back(id);
    }
    for (auto id : odd) shard.cancel(id);
    shard.after(std::chrono::milliseconds(200), [&] { done.set_value(); });
  });
  done.get_future().get();
  runtime->stop();
  ASSERT_EQ(ran.size(), 5'000U);
  for (std::size_t index = 0; index < ran.size(); ++index) ASSERT_EQ(ran[index], static_cast<int>(index) * 2);
}

TEST(ShardRuntime, LetsTimersAndMailRunWhileAShardPostsToItselfForEver) {
  MetricsRegistry metrics;
  auto runtime = start(1, metrics);
  auto& shard = runtime->at(0);
  std::atomic<bool> stop{false};
  struct Again {
    Shard& shard;
    std::atomic<bool>& stop;
    void operator()() {
      if (!stop) shard.post(*this);
    }
  };
  std::promise<void> timer_ran;
  shard.post(Again{shard, stop});
  shard.post([&] { shard.after(std::chrono::milliseconds(5), [&] { timer_ran.set_value(); }); });
  EXPECT_EQ(timer_ran.get_future().wait_for(patience), std::future_status::ready);
  EXPECT_EQ(on(shard, [] { return 7; }), 7);
  stop = true;
  runtime->stop();
}

TEST(ShardRuntime, ReportsTheSilenceOfAStuckShardAndItsEnd) {
  MetricsRegistry metrics;
  auto runtime = start(2, metrics);
  EXPECT_LT(runtime->longest_silence(), std::chrono::minutes(1)) << "who has not begun yet is not stuck";
  EXPECT_TRUE(eventually([&] { return runtime->longest_silence() < std::chrono::milliseconds(1500); }));
  std::promise<void> release;
  runtime->at(1).post([future = release.get_future().share()] { future.wait(); });
  EXPECT_TRUE(eventually([&] { return runtime->longest_silence() > std::chrono::milliseconds(2500); }));
  release.set_value();
  EXPECT_TRUE(eventually([&] { return runtime->longest_silence() < std::chrono::milliseconds(1500); }));
}

TEST(ShardRuntime, RunsWhatWasPostedBeforeTheStopAndDestroysWhatComesAfter) {
  MetricsRegistry metrics;
  auto runtime = start(2, metrics);
  std::atomic<int> ran{0};
  for (int job = 0; job < 1'000; ++job) runtime->at(job % 2).post([&] { ++ran; });
  runtime->stop();
  EXPECT_EQ(ran, 1'000);
  auto token = std::make_shared<int>(0);
  runtime->at(0).post([token] { FAIL(); });
  runtime->pool().submit([token] { FAIL(); });
  EXPECT_EQ(token.use_count(), 1);
}

TEST(ShardRuntime, DestroysTimersAndTheirJobsWhenItStops) {
  MetricsRegistry metrics;
  auto runtime = start(1, metrics);
  auto token = std::make_shared<int>(0);
  on(runtime->at(0), [&] { runtime->at(0).after(std::chrono::hours(1), [token] { FAIL(); }); });
  runtime->stop();
  EXPECT_EQ(token.use_count(), 1);
}

// A job whose destructor posts, as a responder's does.
struct PostsWhenItDies {
  explicit PostsWhenItDies(Shard& to) : shard(&to) {}
  PostsWhenItDies(PostsWhenItDies&& other) noexcept : shard(std::exchange(other.shard, nullptr)) {}
  ~PostsWhenItDies() {
    if (shard != nullptr) shard->post([] {});
  }
  void operator()() {}
  Shard* shard;
};

TEST(ShardRuntime, StopsWhileThreadsAndDyingJobsStillPost) {
  for (int round = 0; round < 20; ++round) {
    MetricsRegistry metrics;
    auto runtime = start(2, metrics);
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int sender = 0; sender < 3; ++sender) {
      threads.emplace_back([&] {
        while (!stop) {
          for (ShardId id = 0; id < 2; ++id) runtime->at(id).post(PostsWhenItDies(runtime->at(1 - id)));
          std::this_thread::sleep_for(std::chrono::microseconds(20));
        }
      });
    }
    on(runtime->at(0), [&] { runtime->at(0).after(std::chrono::hours(1), PostsWhenItDies(runtime->at(1))); });
    runtime->stop();
    stop = true;
    for (auto& thread : threads) thread.join();
  }
}

TEST(BlockingPool, RunsCallsAtOnceUpToItsBoundAndTheRestInOrder) {
  MetricsRegistry metrics;
  auto runtime = start(1, metrics, 3);
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  std::promise<void> release;
  auto released = release.get_future().share();
  for (int call = 0; call < 3; ++call) {
    runtime->pool().submit([&, released] {
      most = std::max(most.load(), ++running);
      released.wait();
      --running;
    });
  }
  EXPECT_TRUE(eventually([&] { return running == 3; }));
  std::atomic<bool> fourth{false};
  runtime->pool().submit([&] { fourth = true; });
  EXPECT_FALSE(fourth);
  release.set_value();
  EXPECT_TRUE(eventually([&] { return fourth.load(); }));
  EXPECT_LE(most, 3);
  runtime->stop();
}

TEST(BlockingPool, BringsResultsBackToTheShardAndFinishesItsWorkBeforeTheRuntimeStops) {
  MetricsRegistry metrics;
  auto runtime = start(2, metrics);
  std::atomic<int> came_back{0};
  for (int call = 0; call < 200; ++call) {
    auto& shard = runtime->at(call % 2);
    shard.post([&] {
      shard.pool().submit([&] {
        shard.post([&] {
          EXPECT_TRUE(shard.is_current());
          ++came_back;
        });
      });
    });
  }
  EXPECT_TRUE(eventually([&] { return came_back == 200; }));
  std::atomic<int> finished{0};
  for (int call = 0; call < 50; ++call) runtime->pool().submit([&] { ++finished; });
  runtime->stop();
  EXPECT_EQ(finished, 50);
}

TEST(Workers, HoldUpNoBlockingCallsAndFinishBeforeTheRuntimeStops) {
  MetricsRegistry metrics;
  auto started = ShardRuntime::start({.shards = 2, .blocking_threads_max = 1, .worker_threads_max = 2}, metrics);
  ASSERT_TRUE(started);
  auto& runtime = **started;
  std::promise<void> release;
  auto released = release.get_future().share();
  std::atomic<int> running{0};
  std::atomic<int> computed{0};
  for (int computation = 0; computation < 5; ++computation) {
    runtime.at(1).workers().submit([&, released] {
      ++running;
      released.wait();
      ++computed;
    });
  }
  EXPECT_TRUE(eventually([&] { return running == 2; }));
  std::atomic<bool> called{false};
  runtime.at(0).pool().submit([&] { called = true; });
  EXPECT_TRUE(eventually([&] { return called.load(); })) << "a blocking call waits for computations";
  EXPECT_EQ(running, 2) << "more at once than there are threads";
  release.set_value();
  runtime.stop();
  EXPECT_EQ(computed, 5);
}

TEST(ShardRuntime, LeavesSignalsToTheMainThread) {
  MetricsRegistry metrics;
  auto runtime = start(1, metrics);
  auto blocked = on(runtime->at(0), [] {
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    return sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGPIPE) == 1;
  });
  EXPECT_TRUE(blocked);
}

}  // namespace
}  // namespace millrace::network

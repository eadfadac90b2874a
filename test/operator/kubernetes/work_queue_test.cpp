#include "operator/kubernetes/work_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>
#include <vector>

namespace millrace::kubernetes {
namespace {

using testing::Optional;
using namespace std::chrono_literals;

const ObjectKey a{"n", "a"};
const ObjectKey b{"n", "b"};

TEST(WorkQueue, HandsOutKeysInTheOrderOfTheirArrivalOnceEach) {
  ManualClock clock;
  WorkQueue queue(clock);
  queue.add(a);
  queue.add(b);
  queue.add(a);
  EXPECT_THAT(queue.try_get(), Optional(a));
  EXPECT_THAT(queue.try_get(), Optional(b));
  EXPECT_EQ(queue.try_get(), std::nullopt);
}

TEST(WorkQueue, NeverHandsOutAKeyThatIsBeingProcessedAndBringsItBackAfterwards) {
  ManualClock clock;
  WorkQueue queue(clock);
  queue.add(a);
  ASSERT_THAT(queue.try_get(), Optional(a));
  queue.add(a);
  queue.add(a);
  EXPECT_EQ(queue.try_get(), std::nullopt);
  queue.done(a);
  EXPECT_THAT(queue.try_get(), Optional(a));
  queue.done(a);
  EXPECT_EQ(queue.try_get(), std::nullopt);
}

TEST(WorkQueue, HoldsDelayedKeysBackUntilTheirTimeAndTakesTheEarliest) {
  ManualClock clock;
  WorkQueue queue(clock);
  queue.add_after(a, 10s);
  queue.add_after(a, 5s);
  queue.add_after(a, 20s);
  queue.add_after(b, 6s);
  EXPECT_EQ(queue.waiting_count(), 2U);
  clock.advance(4999ms);
  EXPECT_EQ(queue.try_get(), std::nullopt);
  clock.advance(1ms);
  EXPECT_THAT(queue.try_get(), Optional(a));
  queue.done(a);
  clock.advance(1s);
  EXPECT_THAT(queue.try_get(), Optional(b));
  clock.advance(60s);
  EXPECT_EQ(queue.try_get(), std::nullopt);
  queue.add_after(a, 0s);
  EXPECT_THAT(queue.try_get(), Optional(a));
}

TEST(WorkQueue, BringsAKeyThatFellDueWhileItWasProcessedBackAfterDone) {
  ManualClock clock;
  WorkQueue queue(clock);
  queue.add(a);
  ASSERT_THAT(queue.try_get(), Optional(a));
  queue.add_after(a, 1s);
  clock.advance(2s);
  EXPECT_EQ(queue.try_get(), std::nullopt);
  queue.done(a);
  EXPECT_THAT(queue.try_get(), Optional(a));
}

// How long the queue holds the key back, to the millisecond.
Duration delay_of_retry(ManualClock& clock, WorkQueue& queue) {
  queue.add_with_backoff(a);
  Duration waited = 0ms;
  while (!queue.try_get()) {
    clock.advance(1ms);
    waited += 1ms;
  }
  queue.done(a);
  return waited;
}

TEST(WorkQueue, DoublesTheDelayWithEachFailureUntilForgotten) {
  ManualClock clock;
  WorkQueue queue(clock);
  EXPECT_EQ(delay_of_retry(clock, queue), 5ms);
  EXPECT_EQ(delay_of_retry(clock, queue), 10ms);
  EXPECT_EQ(delay_of_retry(clock, queue), 20ms);
  EXPECT_EQ(queue.failures(a), 3U);
  queue.forget(a);
  EXPECT_EQ(delay_of_retry(clock, queue), 5ms);
}

TEST(WorkQueue, BoundsTheDelay) {
  ManualClock clock;
  WorkQueue queue(clock);
  for (int failure = 0; failure < 200; ++failure) {
    queue.add_with_backoff(a);
    clock.advance(60s);
    ASSERT_THAT(queue.try_get(), Optional(a)) << failure;
    queue.done(a);
  }
}

TEST(WorkQueue, LetsRetriesOfAllKeysThroughOneBucket) {
  ManualClock clock;
  WorkQueue queue(clock, {.retries_per_second = 10, .retries_burst = 3});
  for (int number = 0; number < 6; ++number) queue.add_with_backoff({"n", std::to_string(number)});
  auto drain = [&] {
    int count = 0;
    while (queue.try_get()) ++count;
    return count;
  };
  clock.advance(5ms);
  EXPECT_EQ(drain(), 3);
  clock.advance(95ms);
  EXPECT_EQ(drain(), 1);
  clock.advance(100ms);
  EXPECT_EQ(drain(), 1);
  clock.advance(100ms);
  EXPECT_EQ(drain(), 1);
}

TEST(WorkQueue, WakesAWaitingWorkerForANewKey) {
  SystemClock clock;
  WorkQueue queue(clock);
  std::thread adder([&] { queue.add_after(a, 10ms); });
  EXPECT_THAT(queue.get(), Optional(a));
  adder.join();
}

TEST(WorkQueue, WakesAWorkerThatWaitsForALaterKey) {
  SystemClock clock;
  WorkQueue queue(clock);
  queue.add_after(b, 1h);
  std::thread adder([&] { queue.add(a); });
  EXPECT_THAT(queue.get(), Optional(a));
  adder.join();
}

TEST(WorkQueue, LetsEverybodyGoOnShutDown) {
  SystemClock clock;
  WorkQueue queue(clock);
  queue.add_after(b, 1h);
  std::vector<std::thread> workers;
  for (int number = 0; number < 3; ++number) {
    workers.emplace_back([&] { EXPECT_EQ(queue.get(), std::nullopt); });
  }
  queue.shut_down();
  for (auto& worker : workers) worker.join();
  queue.add(a);
  EXPECT_EQ(queue.get(), std::nullopt);
}

TEST(WorkQueue, NeverGivesOneKeyToTwoOfManyWorkersAndLosesNone) {
  SystemClock clock;
  WorkQueue queue(clock);
  constexpr int key_count = 5;
  constexpr int add_count = 2000;
  std::map<ObjectKey, std::atomic<int>> busy;
  std::map<ObjectKey, std::atomic<int>> added;
  std::map<ObjectKey, std::atomic<int>> seen;  // the last addition that a worker has seen begin
  for (int number = 0; number < key_count; ++number) {
    ObjectKey key{"n", std::to_string(number)};
    busy[key] = added[key] = seen[key] = 0;
  }
  std::vector<std::thread> workers;
  for (int number = 0; number < 4; ++number) {
    workers.emplace_back([&] {
      while (auto key = queue.get()) {
        EXPECT_EQ(busy.at(*key)++, 0);
        seen.at(*key) = added.at(*key).load();
        --busy.at(*key);
        queue.done(*key);
      }
    });
  }
  for (int count = 0; count < add_count; ++count) {
    ObjectKey key{"n", std::to_string(count % key_count)};
    ++added.at(key);
    queue.add(key);
  }
  auto all_seen = [&] {
    for (auto& [key, count] : added) {
      if (seen.at(key) != count) return false;
    }
    return true;
  };
  auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!all_seen() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_TRUE(all_seen());
  queue.shut_down();
  for (auto& worker : workers) worker.join();
}

}  // namespace
}  // namespace millrace::kubernetes

#include "broker/network/timer_heap.h"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "broker/base/random.h"

namespace millrace::network {
namespace {

MonotonicTime at(int milliseconds) { return MonotonicTime(std::chrono::milliseconds(milliseconds)); }

TEST(TimerHeap, RunsTimersByDeadlineAndEqualOnesInTheOrderOfTheirCreation) {
  TimerHeap heap;
  std::string order;
  heap.add(at(20), [&] { order += 'c'; });
  heap.add(at(10), [&] { order += 'a'; });
  heap.add(at(10), [&] { order += 'b'; });
  EXPECT_EQ(heap.next_deadline(), at(10));
  EXPECT_FALSE(heap.take_due(at(9)));
  while (auto job = heap.take_due(at(20))) job();
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(heap.next_deadline(), std::nullopt);
}

TEST(TimerHeap, NeverRunsACancelledTimerAndFreesItsJobAtOnce) {
  TimerHeap heap;
  auto token = std::make_shared<int>(1);
  auto timer = heap.add(at(1), [token] { FAIL(); });
  heap.cancel(timer);
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_FALSE(heap.take_due(at(100)));
}

TEST(TimerHeap, NeverGivesAnIdTwiceSoThatAnExpiredIdCancelsNobodyElse) {
  TimerHeap heap;
  auto first = heap.add(at(1), [] {});
  heap.take_due(at(1));
  bool ran = false;
  auto second = heap.add(at(2), [&] { ran = true; });
  EXPECT_NE(first, second);
  EXPECT_NE(first, 0U);
  heap.cancel(first);
  heap.cancel(0);
  heap.cancel(~Shard::TimerId{0});
  auto job = heap.take_due(at(2));
  ASSERT_TRUE(job);
  job();
  EXPECT_TRUE(ran);
}

TEST(TimerHeap, AgreesWithASortedMapOverRandomAddsAndCancels) {
  SeededRandom random(7);
  TimerHeap heap;
  std::map<std::pair<MonotonicTime, std::uint64_t>, Shard::TimerId> model;
  std::map<Shard::TimerId, std::pair<MonotonicTime, std::uint64_t>> by_id;
  std::uint64_t last_run = 0;
  std::uint64_t created = 0;
  for (int now = 0; now < 5'000; ++now) {
    for (auto adds = random.below(4); adds > 0; --adds) {
      auto deadline = at(now + static_cast<int>(random.below(200)));
      auto number = ++created;
      auto id = heap.add(deadline, [&last_run, number] { last_run = number; });
      model[{deadline, number}] = id;
      ASSERT_TRUE(by_id.emplace(id, std::pair{deadline, number}).second);
    }
    if (!model.empty() && random.below(2) == 0) {
      auto victim = model.begin();
      std::advance(victim, static_cast<std::ptrdiff_t>(random.below(std::min<std::size_t>(model.size(), 50))));
      heap.cancel(victim->second);
      model.erase(victim);
    }
    while (auto job = heap.take_due(at(now))) {
      job();
      ASSERT_FALSE(model.empty());
      ASSERT_EQ(last_run, model.begin()->first.second);
      ASSERT_LE(model.begin()->first.first, at(now));
      model.erase(model.begin());
    }
    ASSERT_EQ(heap.size(), model.size());
    if (!model.empty()) ASSERT_GT(model.begin()->first.first, at(now));
  }
}

}  // namespace
}  // namespace millrace::network

#include "broker/base/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "broker/base/manual_shard.h"
#include "broker/base/work_account.h"

namespace millrace {
namespace {

Task<int> add(Shard& home, Shard& other, int left, int right) {
  int sum = co_await run_on(home, other, [left, right] { return left + right; });
  co_return sum;
}

Task<int> add_twice(Shard& home, Shard& other) {
  int first = co_await add(home, other, 1, 2);
  int second = co_await add(home, home, first, 10);
  co_return second;
}

TEST(Task, ComesBackToItsOwnShardAfterWorkOnAnother) {
  ManualShard home(0);
  ManualShard other(1);
  int result = 0;
  home.post([&] { spawn(add_twice(home, other), [&](int value) { result = value; }); });
  home.run();
  EXPECT_EQ(result, 0);
  EXPECT_EQ(other.run(), 1u);
  EXPECT_EQ(result, 0);
  home.run();
  EXPECT_EQ(result, 13);
}

Task<std::unique_ptr<std::string>> read_blocking(Shard& home) {
  co_return co_await run_blocking(home, [] { return std::make_unique<std::string>("read"); });
}

TEST(Task, CarriesValuesThatCannotBeCopied) {
  ManualShard home;
  std::string result;
  home.post([&] { spawn(read_blocking(home), [&](std::unique_ptr<std::string> value) { result = *value; }); });
  home.run();
  EXPECT_EQ(result, "read");
}

Task<std::unique_ptr<int>> compute(Shard& home, WorkAccountPointer& charged) {
  co_return co_await run_on_worker(home, [&charged] {
    charged = WorkScope::current();
    return std::make_unique<int>(42);
  });
}

TEST(Task, ComputesOnAWorkerOnItsOwnAccount) {
  ManualShard home;
  const auto account = std::make_shared<WorkAccount>();
  WorkAccountPointer charged;
  int result = 0;
  home.post([&] {
    const WorkScope scope(account);
    spawn(compute(home, charged), [&](std::unique_ptr<int> value) {
      result = *value;
      EXPECT_EQ(WorkScope::current(), account);
    });
    EXPECT_EQ(result, 0);
  });
  home.run();
  EXPECT_EQ(result, 42);
  EXPECT_EQ(charged, account);
}

Task<void> await_calls(std::vector<UniqueFunction<void(int)>>& pending, std::vector<int>& seen) {
  seen.push_back(co_await completion<int>([](UniqueFunction<void(int)> done) { done(1); }));
  seen.push_back(co_await completion<int>([&](UniqueFunction<void(int)> done) { pending.push_back(std::move(done)); }));
}

TEST(Completion, MayBeCalledBeforeOrAfterTheCoroutineSuspends) {
  std::vector<UniqueFunction<void(int)>> pending;
  std::vector<int> seen;
  spawn(await_calls(pending, seen));
  EXPECT_EQ(seen, std::vector<int>{1});
  ASSERT_EQ(pending.size(), 1u);
  pending[0](2);
  EXPECT_EQ(seen, (std::vector<int>{1, 2}));
}

TEST(Task, DoesNothingWhenItIsDroppedBeforeItStarts) {
  ManualShard home;
  {
    auto dropped = add_twice(home, home);
  }
  EXPECT_EQ(home.run(), 0u);
}

}  // namespace
}  // namespace millrace

#include "broker/base/work_account.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "broker/base/manual_shard.h"
#include "broker/base/task.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;

MonotonicTime now() { return std::chrono::steady_clock::now(); }

void work(Duration time) {
  const auto end = now() + time;
  while (now() < end) {
  }
}

TEST(WorkAccount, IsChargedWhileItsScopeIsOpenAndStandsStillUnderAnother) {
  auto outer = std::make_shared<WorkAccount>();
  auto inner = std::make_shared<WorkAccount>();
  work(5ms);
  // What is charged at most is read from the clock too: a busy machine takes its own time anywhere.
  const auto begin = now();
  Duration of_inner{};
  {
    WorkScope scope(outer);
    work(2ms);
    {
      WorkScope again(outer);  // counts once
      work(2ms);
    }
    {
      WorkScope other(inner);
      const auto inner_begin = now();
      EXPECT_EQ(WorkScope::current(), inner);
      work(20ms);
      of_inner = now() - inner_begin;
    }
    EXPECT_EQ(WorkScope::current(), outer);
    EXPECT_GE(WorkScope::used_so_far(), 4ms);
  }
  EXPECT_EQ(WorkScope::current(), nullptr);
  EXPECT_EQ(WorkScope::used_so_far(), 0ms);
  EXPECT_GE(outer->total(), 4ms);
  EXPECT_LE(outer->total(), now() - begin - of_inner);
  EXPECT_GE(inner->total(), of_inner);
}

Task<bool> wait_then_work(UniqueFunction<void(bool)>& go_on, Duration& worked) {
  co_await completion<bool>([&](UniqueFunction<void(bool)> done) { go_on = std::move(done); });
  const auto begin = now();
  work(3ms);
  worked = now() - begin;
  co_return WorkScope::current() != nullptr;
}

TEST(WorkAccount, GoesOnWithTheCoroutineThatWaited) {
  auto account = std::make_shared<WorkAccount>();
  UniqueFunction<void(bool)> go_on;
  std::optional<bool> had_account;
  Duration worked{};
  {
    WorkScope scope(account);
    spawn(wait_then_work(go_on, worked), [&](bool had) { had_account = had; });
  }
  const auto before = account->total();
  work(5ms);
  auto other = std::make_shared<WorkAccount>();
  const auto begin = now();
  {
    WorkScope scope(other);
    go_on(true);
    EXPECT_EQ(WorkScope::current(), other);
  }
  EXPECT_EQ(had_account, true);
  EXPECT_GE(account->total() - before, worked);
  EXPECT_LE(other->total(), now() - begin - worked);
}

}  // namespace
}  // namespace millrace

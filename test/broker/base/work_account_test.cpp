#include "broker/base/work_account.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "broker/base/manual_shard.h"
#include "broker/base/task.h"

namespace millrace {
namespace {

using namespace std::chrono_literals;

void work(Duration time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

TEST(WorkAccount, IsChargedWhileItsScopeIsOpenAndStandsStillUnderAnother) {
  auto outer = std::make_shared<WorkAccount>();
  auto inner = std::make_shared<WorkAccount>();
  work(5ms);
  {
    WorkScope scope(outer);
    work(2ms);
    {
      WorkScope again(outer);  // counts once
      work(2ms);
    }
    {
      WorkScope other(inner);
      EXPECT_EQ(WorkScope::current(), inner);
      work(20ms);
    }
    EXPECT_EQ(WorkScope::current(), outer);
    EXPECT_GE(WorkScope::used_so_far(), 4ms);
  }
  EXPECT_EQ(WorkScope::current(), nullptr);
  EXPECT_EQ(WorkScope::used_so_far(), 0ms);
  EXPECT_GE(outer->total(), 4ms);
  EXPECT_LT(outer->total(), 20ms);
  EXPECT_GE(inner->total(), 20ms);
}

Task<bool> wait_then_work(UniqueFunction<void(bool)>& go_on) {
  co_await completion<bool>([&](UniqueFunction<void(bool)> done) { go_on = std::move(done); });
  work(3ms);
  co_return WorkScope::current() != nullptr;
}

TEST(WorkAccount, GoesOnWithTheCoroutineThatWaited) {
  auto account = std::make_shared<WorkAccount>();
  UniqueFunction<void(bool)> go_on;
  std::optional<bool> had_account;
  {
    WorkScope scope(account);
    spawn(wait_then_work(go_on), [&](bool had) { had_account = had; });
  }
  const auto before = account->total();
  work(5ms);
  auto other = std::make_shared<WorkAccount>();
  {
    WorkScope scope(other);
    go_on(true);
    EXPECT_EQ(WorkScope::current(), other);
  }
  EXPECT_EQ(had_account, true);
  EXPECT_GE(account->total() - before, 3ms);
  EXPECT_LT(other->total(), 3ms);
}

}  // namespace
}  // namespace millrace

#include "broker/security/client_quotas.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace millrace::security {
namespace {

using namespace std::chrono_literals;

constexpr QuotaClient app{"alice", "app"};
constexpr QuotaClient other{"alice", "other"};

class Quotas : public testing::Test {
 protected:
  void limit(QuotaKind kind, double value, const QuotaOwner& owner = {"alice", std::nullopt}) {
    QuotaLimits limits;
    limits[static_cast<std::size_t>(kind)] = value;
    quotas_.set(owner, limits);
  }
  Duration use(QuotaKind kind, double amount, const QuotaClient& client = app) {
    return quotas_.use(kind, client, amount, now_);
  }

  MetricsRegistry metrics_;
  ClientQuotas quotas_{{}, metrics_};
  MonotonicTime now_ = MonotonicTime(1'000'000s);
};

TEST_F(Quotas, CountNothingWhileNobodyHasALimit) {
  EXPECT_FALSE(quotas_.is_enabled(QuotaKind::produce));
  EXPECT_EQ(use(QuotaKind::produce, 1e12), 0s);
  EXPECT_EQ(quotas_.clients(), 0u);
  limit(QuotaKind::fetch, 5);
  EXPECT_FALSE(quotas_.is_enabled(QuotaKind::produce));
  EXPECT_TRUE(quotas_.is_enabled(QuotaKind::fetch));
  quotas_.set({"alice", std::nullopt}, {});
  EXPECT_FALSE(quotas_.is_enabled(QuotaKind::fetch));
}

TEST_F(Quotas, LetABurstThroughAndThenHoldAClientToItsRate) {
  limit(QuotaKind::produce, 1000);
  EXPECT_EQ(use(QuotaKind::produce, 10'000), 0s);  // ten samples of the eleven
  EXPECT_EQ(use(QuotaKind::produce, 1000), 1s);
  double sent = 11'000;
  const auto start = now_;
  while (now_ - start < 100s) {
    now_ += use(QuotaKind::produce, 500) + 1ms;
    sent += 500;
  }
  EXPECT_NEAR(sent / std::chrono::duration<double>(now_ - start + 1s).count(), 1000, 110);
}

TEST_F(Quotas, HoldForAllThatShareThemAndForNobodyElse) {
  limit(QuotaKind::produce, 1000);
  EXPECT_EQ(use(QuotaKind::produce, 10'000, app), 0s);
  EXPECT_GT(use(QuotaKind::produce, 1000, other), 0s);
  EXPECT_EQ(use(QuotaKind::produce, 1'000'000, {"bob", "app"}), 0s);
  EXPECT_EQ(quotas_.clients(), 1u);

  limit(QuotaKind::produce, 1000, {"", ""});  // each pair of the others by itself
  EXPECT_EQ(use(QuotaKind::produce, 10'000, {"bob", "a"}), 0s);
  EXPECT_EQ(use(QuotaKind::produce, 10'000, {"bob", "b"}), 0s);
  EXPECT_GT(use(QuotaKind::produce, 10'000, {"bob", "b"}), 0s);
}

TEST_F(Quotas, TakeANewLimitForWhatWasUsedBefore) {
  limit(QuotaKind::fetch, 1000);
  EXPECT_GT(use(QuotaKind::fetch, 20'000), 0s);
  limit(QuotaKind::fetch, 100'000);
  EXPECT_EQ(use(QuotaKind::fetch, 1), 0s);
}

TEST_F(Quotas, GiveBackWhatWasNotUsedAfterAll) {
  limit(QuotaKind::fetch, 1000);
  EXPECT_GT(use(QuotaKind::fetch, 20'000), 0s);
  quotas_.count(QuotaKind::fetch, app, -20'000, now_);
  EXPECT_EQ(use(QuotaKind::fetch, 10'000), 0s);
  EXPECT_EQ(quotas_.most_in_window(QuotaKind::fetch, app), 10'000);
  EXPECT_FALSE(quotas_.most_in_window(QuotaKind::fetch, {"bob", ""}));
}

TEST_F(Quotas, NeverWaitForRequestTimeLongerThanOneSample) {
  limit(QuotaKind::request, 1);
  EXPECT_EQ(use(QuotaKind::request, 1000), 1s);
}

TEST_F(Quotas, RefuseChangesStrictlyOnlyWhenTheClientIsInDebt) {
  limit(QuotaKind::controller_mutation, 2);  // a burst of 22
  EXPECT_TRUE(quotas_.mutate(app, 30, true, now_).allowed);
  auto refused = quotas_.mutate(app, 1, true, now_);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.wait, 4s);  // 8 too many
  now_ += 4s;
  EXPECT_TRUE(quotas_.mutate(app, 1, true, now_).allowed);
}

TEST_F(Quotas, AllowChangesOfOldClientsAndLetThemWait) {
  limit(QuotaKind::controller_mutation, 2);
  auto first = quotas_.mutate(app, 30, false, now_);
  EXPECT_TRUE(first.allowed);
  EXPECT_EQ(first.wait, 4s);
  auto second = quotas_.mutate(app, 2, false, now_);
  EXPECT_TRUE(second.allowed);
  EXPECT_EQ(second.wait, 5s);
  EXPECT_TRUE(quotas_.mutate({"bob", ""}, 1000, true, now_).allowed);
}

TEST_F(Quotas, ForgetWhoWasSilentForLongAndTheLongestSilentWhenThereIsNoRoom) {
  ClientQuotas small({.max_clients = 64}, metrics_);
  small.set({std::nullopt, ""}, {1000, std::nullopt, std::nullopt, std::nullopt});
  for (int i = 0; i < 10'000; ++i) small.use(QuotaKind::produce, {"", "client" + std::to_string(i)}, 1, now_);
  EXPECT_LE(small.clients(), 64u);

  limit(QuotaKind::produce, 1000, {std::nullopt, ""});
  for (int i = 0; i < 100; ++i) use(QuotaKind::produce, 1, {"", "client" + std::to_string(i)});
  EXPECT_EQ(quotas_.clients(), 100u);
  now_ += 61min;
  for (int i = 0; i < 2000; ++i) use(QuotaKind::produce, 1, {"", "late" + std::to_string(i % 64)});
  EXPECT_LT(quotas_.clients(), 75u);  // a stripe that nobody comes to keeps what it has
}

TEST_F(Quotas, CountEveryThreadsUseOnce) {
  limit(QuotaKind::produce, 1e9);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int round = 0; round < 10'000; ++round) use(QuotaKind::produce, 100'000);
      limit(QuotaKind::fetch, 5, {"bob", std::nullopt});
    });
  }
  for (auto& thread : threads) thread.join();
  // Four times a thousand million bytes, over ten seconds: 400 million a second.
  limit(QuotaKind::produce, 399e6);
  EXPECT_GT(use(QuotaKind::produce, 0), 0s);
  limit(QuotaKind::produce, 401e6);
  EXPECT_EQ(use(QuotaKind::produce, 0), 0s);
}

TEST_F(Quotas, TellHowManyRequestsWaitedAndForHowLong) {
  quotas_.count_throttled(QuotaKind::fetch, 1500ms);
  quotas_.count_throttled(QuotaKind::fetch, 500ms);
  const auto text = metrics_.text();
  EXPECT_NE(text.find("millrace_quota_throttled_requests_total{quota=\"fetch\"} 2"), std::string::npos) << text;
  EXPECT_NE(text.find("millrace_quota_throttle_seconds_total{quota=\"fetch\"} 2"), std::string::npos) << text;
}

}  // namespace
}  // namespace millrace::security

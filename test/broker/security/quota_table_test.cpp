#include "broker/security/quota_table.h"

#include <gtest/gtest.h>

#include <vector>

namespace millrace::security {
namespace {

QuotaLimits produce(double limit) { return {limit, std::nullopt, std::nullopt, std::nullopt}; }

struct Step {
  QuotaOwner owner;
  double limit;
  bool by_user;
  bool by_client_id;
};

// The order of ClientQuotaManager, the last first.
const std::vector<Step> steps{
    {{std::nullopt, ""}, 8, false, true}, {{std::nullopt, "app"}, 7, false, true},
    {{"", std::nullopt}, 6, true, false}, {{"", ""}, 5, true, true},
    {{"", "app"}, 4, true, true},         {{"alice", std::nullopt}, 3, true, false},
    {{"alice", ""}, 2, true, true},       {{"alice", "app"}, 1, true, true},
};

TEST(QuotaTable, FindsTheMostSpecificLimitAndWhoSharesIt) {
  QuotaTable table;
  EXPECT_FALSE(table.find(QuotaKind::produce, "alice", "app"));
  std::size_t set = 0;
  for (const auto& step : steps) {
    table.set(step.owner, produce(step.limit));
    auto match = table.find(QuotaKind::produce, "alice", "app");
    ASSERT_TRUE(match);
    EXPECT_EQ(match->limit, step.limit);
    EXPECT_EQ(match->by_user, step.by_user);
    EXPECT_EQ(match->by_client_id, step.by_client_id);
    EXPECT_EQ(table.count(QuotaKind::produce), ++set);
    EXPECT_FALSE(table.find(QuotaKind::fetch, "alice", "app"));
  }
  EXPECT_EQ(table.find(QuotaKind::produce, "alice", "other")->limit, 2);
  EXPECT_EQ(table.find(QuotaKind::produce, "bob", "app")->limit, 4);
  EXPECT_EQ(table.find(QuotaKind::produce, "bob", "other")->limit, 5);
  EXPECT_EQ(table.find(QuotaKind::produce, "alice", "")->limit, 2);
}

TEST(QuotaTable, FallsBackToTheNextLimitWhenOneIsTakenAway) {
  QuotaTable table;
  for (const auto& step : steps) table.set(step.owner, produce(step.limit));
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    EXPECT_EQ(table.find(QuotaKind::produce, "alice", "app")->limit, step->limit);
    table.set(step->owner, {});
  }
  EXPECT_FALSE(table.find(QuotaKind::produce, "alice", "app"));
  EXPECT_EQ(table.count(QuotaKind::produce), 0u);
}

TEST(QuotaTable, KeepsTheKindsApart) {
  QuotaTable table;
  table.set({"alice", "app"}, {std::nullopt, 10, std::nullopt, std::nullopt});
  table.set({"alice", std::nullopt}, {20, std::nullopt, 30, 40});
  EXPECT_EQ(table.find(QuotaKind::fetch, "alice", "app")->limit, 10);
  EXPECT_EQ(table.find(QuotaKind::produce, "alice", "app")->limit, 20);
  EXPECT_EQ(table.find(QuotaKind::request, "alice", "app")->limit, 30);
  EXPECT_EQ(table.find(QuotaKind::controller_mutation, "alice", "app")->limit, 40);
  EXPECT_FALSE(table.find(QuotaKind::fetch, "alice", "other"));
}

}  // namespace
}  // namespace millrace::security

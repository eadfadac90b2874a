#include "operator/reconcile/watched_object.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace millrace::reconcile {
namespace {

using Json = nlohmann::json;

TEST(WatchedCluster, IsNoNewsWhereOnlyItsStatusIsAnother) {
  Json before = {{"metadata", {{"uid", "a"}, {"generation", 1}, {"resourceVersion", "5"}}}};
  Json after = before;
  after["metadata"]["resourceVersion"] = "6";
  after["status"] = {{"clusterId", "x"}};
  EXPECT_TRUE(is_no_news(*watch_cluster(before), *watch_cluster(after)));
  after["metadata"]["generation"] = 2;
  EXPECT_FALSE(is_no_news(*watch_cluster(before), *watch_cluster(after)));
}

TEST(WatchedCluster, IsNewsWhereItWasDeletedAndCreatedAgainBetweenTwoLists) {
  Json before = {{"metadata", {{"uid", "a"}, {"generation", 1}}}};
  Json after = {{"metadata", {{"uid", "b"}, {"generation", 1}}}};
  EXPECT_FALSE(is_no_news(*watch_cluster(before), *watch_cluster(after)));
}

}  // namespace
}  // namespace millrace::reconcile

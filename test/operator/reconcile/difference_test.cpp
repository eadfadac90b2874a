#include "operator/reconcile/difference.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace millrace::reconcile {
namespace {

using Json = nlohmann::json;

bool covered(const char* live, const char* desired) { return covers(Json::parse(live), Json::parse(desired)); }

TEST(Difference, IgnoresWhatTheServerAdds) {
  EXPECT_TRUE(covered(R"({"a": 1, "b": {"c": 2, "d": 3}})", R"({"b": {"c": 2}})"));
  EXPECT_FALSE(covered(R"({"b": {"c": 2}})", R"({"b": {"c": 3}})"));
  EXPECT_FALSE(covered(R"({"b": {}})", R"({"b": {"c": 3}})"));
}

TEST(Difference, MatchesListItemsByTheirKey) {
  EXPECT_TRUE(covered(R"([{"name": "x", "v": 1}, {"name": "y", "v": 2, "w": 3}])", R"([{"name": "y", "v": 2}])"));
  EXPECT_FALSE(covered(R"([{"name": "x", "v": 1}])", R"([{"name": "y", "v": 1}])"));
  EXPECT_TRUE(covered(R"(["ALL"])", R"(["ALL"])"));
  EXPECT_FALSE(covered(R"(["ALL", "NET"])", R"(["ALL"])"));
  EXPECT_FALSE(covered(R"([{"key": "a"}])", R"([{"key": "b"}])"));
}

TEST(Difference, KnowsQuantitiesInAnySpelling) {
  EXPECT_TRUE(covered(R"({"memory": "1Gi", "cpu": "1"})", R"({"memory": "1024Mi", "cpu": "1000m"})"));
  EXPECT_FALSE(covered(R"({"memory": "1Gi"})", R"({"memory": "1G"})"));
}

TEST(Difference, TakesAnEmptyValueForAnAbsentOne) {
  EXPECT_TRUE(covered(R"({})", R"({"labels": {}, "list": []})"));
  EXPECT_FALSE(covered(R"({})", R"({"on": false})"));
}

}  // namespace
}  // namespace millrace::reconcile

#include "operator/status/kafka_cluster_status.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "operator/status/text_limit.h"

namespace millrace::status {
namespace {

using Json = nlohmann::json;

Condition condition(std::string type, ConditionStatus status, std::string reason, std::string message = "because") {
  return {std::move(type), status, std::move(reason), std::move(message), 1, ""};
}

TEST(Condition, KeepsItsTransitionTimeWhileItsStatusStays) {
  auto first = transition(condition("A", ConditionStatus::is_false, "X"), {}, TimestampMs(1'000));
  EXPECT_EQ("1970-01-01T00:00:01Z", first.last_transition_time);
  auto second = transition(condition("A", ConditionStatus::is_false, "Y"), {first}, TimestampMs(9'000));
  EXPECT_EQ("1970-01-01T00:00:01Z", second.last_transition_time);
  auto third = transition(condition("A", ConditionStatus::is_true, "Z"), {second}, TimestampMs(9'000));
  EXPECT_EQ("1970-01-01T00:00:09Z", third.last_transition_time);
}

TEST(Condition, ReadsBackWhatItWrote) {
  auto written = transition(condition("A", ConditionStatus::unknown, "X"), {}, TimestampMs(1'000));
  auto read = parse_conditions({{"conditions", Json::array({to_json(written), "nonsense", nullptr})}});
  ASSERT_EQ(1U, read.size());
  EXPECT_EQ(written, read[0]);
  EXPECT_TRUE(parse_conditions(Json()).empty());
}

TEST(Ready, SaysWhatTheFirstAspectSaysThatIsNotWell) {
  auto ready = ready_condition({condition("A", ConditionStatus::is_true, "Fine"),
                                condition("B", ConditionStatus::is_false, "Broken", "it broke"),
                                condition("C", ConditionStatus::is_false, "Also")},
                               1);
  EXPECT_EQ(ConditionStatus::is_false, ready.status);
  EXPECT_EQ("Broken", ready.reason);
  EXPECT_EQ("it broke", ready.message);
  EXPECT_EQ(ConditionStatus::is_true, ready_condition({condition("A", ConditionStatus::is_true, "Fine")}, 1).status);
}

TEST(KafkaClusterStatus, IsSortedAndCountsBrokersThatServe) {
  KafkaClusterStatus status;
  status.brokers_wanted = 3;
  status.brokers = {{BrokerId(10), "p", "", "", {}, {}, "2.0", {BrokerState::running, ""}},
                    {BrokerId(2), "p", "", "", {}, {}, "1.0", {BrokerState::starting, "wait"}}};
  status.conditions = {condition("Z", ConditionStatus::is_true, "R"), condition("A", ConditionStatus::is_true, "R")};
  auto json = to_json(status);
  EXPECT_EQ("1/3", json["brokersReady"]);
  EXPECT_EQ("1.0,2.0", json["version"]);
  EXPECT_EQ(2, json["brokers"][0]["id"]);
  EXPECT_EQ("A", json["conditions"][0]["type"]);
  EXPECT_FALSE(json.contains("clusterId"));
}

TEST(StatusPatch, RemovesWhatIsNoLongerThere) {
  Json before = {{"a", 1}, {"b", 2}};
  Json after = {{"a", 1}};
  auto patched = before;
  patched.merge_patch(status_patch(before, after));
  EXPECT_EQ(after, patched);
  EXPECT_EQ(after, status_patch(Json(), after));
}

TEST(TextLimit, NeverCutsACharacterInTwo) {
  EXPECT_EQ("a\xc3\xa4", keep_first("a\xc3\xa4\xc3\xa4", 4));
  EXPECT_EQ("\xc3\xa4z", keep_last("\xc3\xa4\xc3\xa4z", 4));
  EXPECT_EQ("abc", keep_first("abc", 3));
}

}  // namespace
}  // namespace millrace::status

#include "operator/status/broker_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "operator/status/condition.h"

namespace millrace::status {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

constexpr const char* deleted_at = "2026-01-01T00:00:00Z";

BrokerCondition judged(const char* pod, NodeState node = NodeState::unknown,
                       std::chrono::seconds after_deletion = std::chrono::seconds(0)) {
  auto now = TimestampMs(parse_rfc3339(deleted_at)->value() + after_deletion.count() * 1000);
  return judge_pod(Json::parse(pod), node, now);
}

TEST(BrokerState, IsRunningWhenThePodIsReady) {
  auto condition = judged(
      R"({"spec": {"nodeName": "n"}, "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}})");
  EXPECT_EQ(BrokerState::running, condition.state);
  EXPECT_EQ("", condition.message);
}

TEST(BrokerState, TellsWhyNoNodeTakesThePod) {
  auto condition = judged(R"({"status": {"phase": "Pending", "conditions": [
    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available: 1 Insufficient cpu."}]}})");
  EXPECT_EQ(BrokerState::pending, condition.state);
  EXPECT_THAT(condition.message, HasSubstr("Insufficient cpu"));
}

TEST(BrokerState, TellsTheLastWordsOfABrokerThatCannotStart) {
  auto condition = judged(R"({"spec": {"nodeName": "n"}, "status": {"phase": "Running", "containerStatuses": [{
    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}},
    "lastState": {"terminated": {"exitCode": 1, "message": "port 9092 is in use\n"}}}]}})");
  EXPECT_EQ(BrokerState::failing, condition.state);
  EXPECT_EQ("it ended with exit code 1: port 9092 is in use", condition.message);
}

TEST(BrokerState, TellsThatMemoryRanOut) {
  auto condition = judged(R"({"spec": {"nodeName": "n"}, "status": {"containerStatuses": [{
    "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]}})");
  EXPECT_EQ(BrokerState::failing, condition.state);
  EXPECT_THAT(condition.message, HasSubstr("memory"));
}

TEST(BrokerState, TellsThatAnImageIsMissing) {
  auto condition = judged(R"({"spec": {"nodeName": "n"}, "status": {"phase": "Pending", "containerStatuses": [{
    "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"x\""}}}]}})");
  EXPECT_EQ(BrokerState::failing, condition.state);
  EXPECT_THAT(condition.message, HasSubstr("Back-off pulling image"));
}

TEST(BrokerState, IsStartingAgainAfterItEndedOnce) {
  auto condition = judged(R"({"spec": {"nodeName": "n"}, "status": {"phase": "Running", "containerStatuses": [{
    "state": {"running": {}}, "lastState": {"terminated": {"exitCode": 137}}}]}})");
  EXPECT_EQ(BrokerState::starting, condition.state);
  EXPECT_THAT(condition.message, HasSubstr("137"));
}

// As MarkPodsNotReady of the node controller leaves it: Ready becomes False, and everything else is the dead kubelet's
// last word.
constexpr const char* on_a_dead_node = R"({"spec": {"nodeName": "n7"}, "status": {"phase": "Running", "conditions": [
    {"type": "Ready", "status": "False"}, {"type": "ContainersReady", "status": "True"}],
    "containerStatuses": [{"name": "broker", "ready": true, "state": {"running": {}}}]}})";
constexpr const char* terminating =
    R"({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "spec": {"nodeName": "n7"}, "status": {"phase": "Running",
    "conditions": [{"type": "Ready", "status": "False"}, {"type": "ContainersReady", "status": "False"}]}})";

TEST(BrokerState, IsUnreachableWhereItsNodeDoesNotAnswer) {
  for (const char* pod : {on_a_dead_node, terminating}) {
    auto condition = judged(pod, NodeState::silent);
    EXPECT_EQ(BrokerState::unreachable, condition.state) << pod;
    EXPECT_THAT(condition.message, HasSubstr("n7 does not answer"));
    EXPECT_EQ(BrokerState::unreachable, judged(pod, NodeState::gone).state) << pod;
    EXPECT_NE(BrokerState::unreachable, judged(pod, NodeState::answering, std::chrono::hours(1)).state) << pod;
  }
}

TEST(BrokerState, IsUnreachableByWhatADeadNodeLeavesOnThePodWhereNodesMayNotBeRead) {
  EXPECT_EQ(BrokerState::unreachable, judged(on_a_dead_node).state);
  EXPECT_EQ(BrokerState::stopping, judged(terminating, NodeState::unknown, std::chrono::seconds(30)).state);
  EXPECT_EQ(BrokerState::unreachable, judged(terminating, NodeState::unknown, std::chrono::seconds(31)).state);
}

TEST(BrokerState, OfANodeFollowsItsConditionReady) {
  auto node = [](const char* status) {
    return judge_node({{"status", {{"conditions", Json::array({{{"type", "Ready"}, {"status", status}}})}}}});
  };
  EXPECT_EQ(NodeState::answering, node("True"));
  EXPECT_EQ(NodeState::silent, node("False"));
  EXPECT_EQ(NodeState::silent, node("Unknown"));
  EXPECT_EQ(NodeState::unknown, judge_node(Json::object()));
}

TEST(BrokerState, IsStoppingWhileThePodGoes) {
  EXPECT_EQ(BrokerState::stopping,
            judged(R"({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "spec": {"nodeName": "n"},
    "status": {"conditions": [{"type": "Ready", "status": "True"}]}})")
                .state);
}

TEST(BrokerState, OfAnyObjectIsPending) {
  for (const char* pod : {"{}", "[]", "null", R"({"status": []})", R"({"status": {"conditions": "x"}})"}) {
    EXPECT_EQ(BrokerState::pending, judged(pod).state) << pod;
  }
}

TEST(BrokerState, CutsLongWordsAtACharactersEdge) {
  std::string words;
  for (int i = 0; i < 500; ++i) words += "\xc3\xa4";
  Json pod = {{"spec", {{"nodeName", "n"}}},
              {"status",
               {{"containerStatuses",
                 Json::array({{{"state", {{"terminated", {{"exitCode", 1}, {"message", "x" + words}}}}}}})}}}};
  auto message = judge_pod(pod, NodeState::unknown, {}).message;
  EXPECT_LT(message.size(), 700U);
  EXPECT_NO_THROW((void)Json(message).dump());
}

}  // namespace
}  // namespace millrace::status

#include "operator/status/broker_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace millrace::status {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

BrokerCondition judged(const char* pod) { return judge_pod(Json::parse(pod)); }

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

TEST(BrokerState, LeavesABrokerAloneWhoseNodeDoesNotAnswer) {
  auto condition = judged(
      R"({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "spec": {"nodeName": "n7"}, "status": {"conditions": [
    {"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}]}})");
  EXPECT_EQ(BrokerState::unreachable, condition.state);
  EXPECT_THAT(condition.message, HasSubstr("n7"));
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
  auto message = judge_pod(pod).message;
  EXPECT_LT(message.size(), 700U);
  EXPECT_NO_THROW((void)Json(message).dump());
}

}  // namespace
}  // namespace millrace::status

#include "operator/kubernetes/event_recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "test/operator/kubernetes/memory_api.h"

namespace millrace::kubernetes {
namespace {

using namespace std::chrono_literals;

const Regarding broker{{stateful_sets, "kafka", "c-broker-0"}, "uid-1"};
const EventDescription claim_missing{EventType::warning, "ClaimMissing", "CreatePod", "The claim data-0 is not there."};

class EventRecorderTest : public testing::Test {
 protected:
  std::vector<Json> stored() {
    std::vector<Json> all;
    static_cast<void>(api_.list(events, {}, [&](Json&& event) { all.push_back(std::move(event)); }));
    return all;
  }

  MemoryApi api_;
  SystemClock clock_;
};

TEST_F(EventRecorderTest, WritesWhatPeopleSee) {
  EventRecorder recorder(api_, clock_, {.instance = "operator-1"});
  recorder.record(broker, claim_missing);
  recorder.stop(20s);
  auto all = stored();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_TRUE(all[0]["metadata"]["name"].get<std::string>().starts_with("c-broker-0."));
  EXPECT_EQ(all[0]["metadata"]["namespace"], "kafka");
  EXPECT_EQ(all[0]["reason"], "ClaimMissing");
  EXPECT_EQ(all[0]["action"], "CreatePod");
  EXPECT_EQ(all[0]["note"], "The claim data-0 is not there.");
  EXPECT_EQ(all[0]["type"], "Warning");
  EXPECT_EQ(all[0]["reportingController"], "millrace.dev/operator");
  EXPECT_EQ(all[0]["reportingInstance"], "operator-1");
  EXPECT_EQ(all[0]["regarding"], (Json{{"apiVersion", "apps/v1"},
                                       {"kind", "StatefulSet"},
                                       {"name", "c-broker-0"},
                                       {"namespace", "kafka"},
                                       {"uid", "uid-1"}}));
  EXPECT_FALSE(all[0].contains("series"));
}

TEST_F(EventRecorderTest, CountsRepetitionsAndWritesTheirNumberNowAndThen) {
  {
    EventRecorder recorder(api_, clock_, {.instance = "a", .burst_per_object = 1000});
    for (int count = 0; count < 200; ++count) recorder.record(broker, claim_missing);
    recorder.stop(20s);
  }
  auto all = stored();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0]["series"]["count"], 200);
  auto calls = api_.calls();
  EXPECT_LE(
      std::count_if(calls.begin(), calls.end(), [](const std::string& call) { return call.starts_with("patch"); }), 2);
}

TEST_F(EventRecorderTest, GoesOnCountingWhereAnotherProcessStopped) {
  for (int process = 1; process <= 3; ++process) {
    EventRecorder recorder(api_, clock_, {.instance = "operator-" + std::to_string(process)});
    recorder.record(broker, claim_missing);
    recorder.stop(20s);
  }
  auto all = stored();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0]["series"]["count"], 3);
}

TEST_F(EventRecorderTest, CountsARequestThatWasSentTwiceOnce) {
  std::atomic<int> creations{0};
  EventRecorder recorder(api_, clock_, {.instance = "a"});
  api_.intercept([&](const std::string& verb, const std::string&) -> Status {
    if (verb == "patch" || verb != "create" || ++creations > 1) return {};
    return fail(ErrorKind::connection_loss, "the connection broke");
  });
  recorder.record(broker, claim_missing);
  recorder.stop(20s);
  ASSERT_EQ(stored().size(), 1U);
  EXPECT_FALSE(stored()[0].contains("series"));
}

TEST_F(EventRecorderTest, BeginsAnewWhenTheEventHasExpired) {
  EventRecorder recorder(api_, clock_, {.instance = "a", .repeat_interval = 0s});
  recorder.record(broker, claim_missing);
  ASSERT_TRUE(api_.wait_for_calls("create", 1));
  while (stored().empty()) std::this_thread::yield();
  api_.erase({events, "kafka", stored()[0]["metadata"]["name"]});
  recorder.record(broker, claim_missing);
  recorder.stop(20s);
  ASSERT_EQ(stored().size(), 1U);
  EXPECT_FALSE(stored()[0].contains("series"));
}

TEST_F(EventRecorderTest, BoundsEachObjectsEventsAndLetsTheOthersThrough) {
  EventRecorder recorder(api_, clock_, {.instance = "a", .burst_per_object = 5, .refill_per_object = 1h});
  for (int count = 0; count < 50; ++count) {
    recorder.record(broker, {EventType::normal, "Reason", "Act", "Note " + std::to_string(count)});
  }
  recorder.record({{nodes, "", "node-1"}, ""}, {EventType::normal, "Reason", "Act", "A node has no namespace."});
  recorder.stop(20s);
  EXPECT_EQ(stored().size(), 6U);
  EXPECT_EQ(recorder.dropped_count(), 45U);
  EXPECT_TRUE(api_.get({events, "default", stored()[0]["metadata"]["name"]}, {})) << "events of nodes live in default";
}

TEST_F(EventRecorderTest, NeverBlocksWhoeverRecords) {
  std::promise<void> release;
  auto released = release.get_future().share();
  api_.intercept([released](const std::string& verb, const std::string&) -> Status {
    if (verb == "create") released.wait();
    return {};
  });
  EventRecorder recorder(api_, clock_, {.instance = "a", .queue_max = 10, .burst_per_object = 1000});
  for (int count = 0; count < 100; ++count) {
    recorder.record(broker, {EventType::normal, "Reason", "Act", "Note " + std::to_string(count)});
  }
  EXPECT_GE(recorder.dropped_count(), 89U);
  release.set_value();
  recorder.stop(20s);
}

TEST_F(EventRecorderTest, DropsWhatTheServerRefusesAndGoesOn) {
  EventRecorder recorder(api_, clock_, {.instance = "a"});
  std::atomic<bool> refused{false};
  api_.intercept([&](const std::string& verb, const std::string&) -> Status {
    if (verb == "create" && !refused.exchange(true)) return fail(ErrorKind::permission_denied, "events is forbidden");
    return {};
  });
  recorder.record(broker, claim_missing);
  recorder.record(broker, {EventType::normal, "Ready", "Observe", "Broker 0 serves."});
  recorder.stop(20s);
  ASSERT_EQ(stored().size(), 1U);
  EXPECT_EQ(stored()[0]["reason"], "Ready");
  EXPECT_EQ(recorder.dropped_count(), 1U);
}

TEST_F(EventRecorderTest, ShortensWhatTheServerWouldRefuse) {
  EventRecorder recorder(api_, clock_, {.instance = std::string(300, 'i')});
  std::string long_note;
  while (long_note.size() < 1200) long_note += "ü";
  recorder.record({{config_maps, "kafka", std::string(253, 'n')}, ""},
                  {EventType::normal, std::string(200, 'R'), "", "x" + long_note});
  recorder.stop(20s);
  ASSERT_EQ(stored().size(), 1U);
  Json event = stored()[0];
  EXPECT_LE(event["metadata"]["name"].get<std::string>().size(), 253U);
  EXPECT_EQ(event["reason"].get<std::string>().size(), 128U);
  EXPECT_EQ(event["action"], event["reason"]);
  EXPECT_EQ(event["reportingInstance"].get<std::string>().size(), 128U);
  EXPECT_EQ(event["note"].get<std::string>().size(), 1023U) << "not within a letter";
}

TEST_F(EventRecorderTest, StopsInTimeWhileTheServerDoesNotAnswer) {
  EventRecorder recorder(api_, clock_, {.instance = "a"});
  api_.intercept([](const std::string&, const std::string&) -> Status { return fail(ErrorKind::unavailable, "no"); });
  recorder.record(broker, claim_missing);
  auto asked = std::chrono::steady_clock::now();
  recorder.stop(100ms);
  EXPECT_LT(std::chrono::steady_clock::now() - asked, 2s);
}

}  // namespace
}  // namespace millrace::kubernetes

#include "operator/kubernetes/informer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>

#include "broker/base/random.h"
#include "test/operator/kubernetes/client_fixture.h"
#include "test/operator/kubernetes/memory_api.h"

namespace millrace::kubernetes {
namespace {

using testing::ElementsAre;

using testing::Contains;
using namespace std::chrono_literals;

struct Kept {
  std::string value;
};

Json pod(const std::string& value) { return Json{{"value", value}}; }
ObjectReference pod_a{pods, "n", "a"};
ObjectReference pod_b{pods, "n", "b"};

// An informer over an API in memory that notes what its handlers are told.
class InformerTest : public testing::Test {
 protected:
  void start() {
    informer_.on_change([this](Change change, const ObjectKey& key, const Kept* before, const Kept* after) {
      constexpr std::array<const char*, 3> names{"added", "updated", "removed"};
      std::lock_guard lock(mutex_);
      told_.push_back(std::string(names.at(static_cast<std::size_t>(change))) + " " + key.name + " " +
                      (before ? before->value : "-") + ">" + (after ? after->value : "-"));
      changed_.notify_all();
    });
    informer_.start();
    ASSERT_TRUE(informer_.wait_until_synced(20s));
    ASSERT_TRUE(api_.wait_for_watcher());
  }

  std::vector<std::string> wait_told(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 20s, [&] { return told_.size() >= count; });
    return told_;
  }

  MemoryApi api_;
  SystemClock clock_;
  SystemRandom random_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> told_;
  Informer<Kept> informer_{
      api_, clock_, random_, {.type = pods, .backoff_min = 1ms, .backoff_max = 5ms}, [](const Json& object) {
        return std::make_shared<Kept>(Kept{object.at("value").get<std::string>()});
      }};
};

TEST_F(InformerTest, ListsWhatTheServerHasAtHandAndThenWatchesFromTheListsVersion) {
  api_.put(pod_a, pod("1"));
  start();
  api_.put(pod_b, pod("2"));
  EXPECT_THAT(wait_told(2), ElementsAre("added a ->1", "added b ->2"));
  EXPECT_THAT(api_.calls(), ElementsAre("list 0", "watch 101"));
  ASSERT_NE(informer_.get({"n", "b"}), nullptr);
  EXPECT_EQ(informer_.get({"n", "b"})->value, "2");
  EXPECT_EQ(informer_.get({"n", "c"}), nullptr);
  EXPECT_EQ(informer_.list().size(), 2U);
}

TEST_F(InformerTest, TellsUpdatesAndRemovalsWithBothValues) {
  api_.put(pod_a, pod("1"));
  start();
  api_.put(pod_a, pod("2"));
  api_.erase(pod_a);
  EXPECT_THAT(wait_told(3), ElementsAre("added a ->1", "updated a 1>2", "removed a 2>-"));
  EXPECT_EQ(informer_.size(), 0U);
}

TEST_F(InformerTest, ResumesFromTheLastVersionBookmarksIncluded) {
  start();
  api_.put(pod_a, pod("1"));
  wait_told(1);
  api_.bookmark();
  std::string version = api_.version();
  api_.end_watches({});
  ASSERT_TRUE(api_.wait_for_calls("watch " + version, 1));
  api_.put(pod_b, pod("2"));
  EXPECT_THAT(wait_told(2), ElementsAre("added a ->1", "added b ->2"));
  EXPECT_THAT(api_.calls(), ElementsAre("list 0", "watch 100", "watch " + version));
}

TEST_F(InformerTest, ResumesAfterALostConnectionWithoutListing) {
  start();
  api_.put(pod_a, pod("1"));
  wait_told(1);
  api_.end_watches(fail(ErrorKind::connection_loss, "the connection broke"));
  ASSERT_TRUE(api_.wait_for_calls("watch 101", 1));
  EXPECT_THAT(api_.calls(), ElementsAre("list 0", "watch 100", "watch 101"));
}

TEST_F(InformerTest, ListsTheNewestWhenItsVersionExpired) {
  api_.put(pod_a, pod("1"));
  api_.put(pod_b, pod("1"));
  start();
  api_.intercept([this](const std::string& verb, const std::string& detail) -> Status {
    // While nobody watches, much happens.
    if (verb == "watch" && detail == "102") {
      api_.erase(pod_a);
      api_.put(pod_b, pod("2"));
      api_.put({pods, "n", "c"}, pod("3"));
      api_.compact();
    }
    return {};
  });
  api_.end_watches({});
  EXPECT_THAT(wait_told(5), ElementsAre("added a ->1", "added b ->1", "removed a 1>-", "updated b 1>2", "added c ->3"));
  ASSERT_TRUE(api_.wait_for_calls("watch 105", 1));
  EXPECT_THAT(api_.calls(), ElementsAre("list 0", "watch 102", "watch 102", "list", "watch 105"));
}

TEST_F(InformerTest, ListsAgainFromItsOwnVersionAfterARefusal) {
  start();
  api_.put(pod_a, pod("1"));
  wait_told(1);
  api_.end_watches(fail(ErrorKind::permission_denied, "pods is forbidden"));
  ASSERT_TRUE(api_.wait_for_calls("list", 2));
  ASSERT_TRUE(api_.wait_for_calls("watch", 2));
  EXPECT_THAT(api_.calls(), ElementsAre("list 0", "watch 100", "list 101", "watch 101"));
  EXPECT_THAT(wait_told(1), ElementsAre("added a ->1")) << "an unchanged object is no news";
}

TEST_F(InformerTest, TakesAnEmptyVersionWhenTheServerDoesNotKnowItsOwn) {
  start();
  api_.intercept([](const std::string& verb, const std::string& detail) -> Status {
    if (verb == "list" && detail == "100") return fail(ErrorKind::session_expired, "Too large resource version");
    return {};
  });
  api_.end_watches(fail(ErrorKind::permission_denied, "forbidden"));
  ASSERT_TRUE(api_.wait_for_calls("watch", 2));
  EXPECT_THAT(api_.calls(), ElementsAre("list 0", "watch 100", "list 100", "list", "watch 100"));
}

TEST_F(InformerTest, KeepsTryingAndSaysWhyItIsNotCurrent) {
  auto broken = std::make_shared<std::atomic<bool>>(true);  // the informer outlives this function
  api_.intercept([broken](const std::string&, const std::string&) -> Status {
    return *broken ? Status(fail(ErrorKind::unavailable, "cannot list Pod objects: no connection")) : Status();
  });
  informer_.start();
  ASSERT_TRUE(api_.wait_for_calls("list", 3));
  EXPECT_FALSE(informer_.has_synced());
  EXPECT_EQ(informer_.last_error(), "cannot list Pod objects: no connection");
  *broken = false;
  EXPECT_TRUE(informer_.wait_until_synced(20s));
  ASSERT_TRUE(api_.wait_for_calls("watch", 1));
  EXPECT_EQ(informer_.last_error(), "");
}

TEST_F(InformerTest, DoesNotSpinOnWatchesThatEndAtOnce) {
  api_.end_every_watch_at_once();
  Informer<Kept> informer(api_, clock_, random_, {.type = pods, .backoff_min = 20ms, .backoff_max = 40ms},
                          [](const Json&) { return std::make_shared<Kept>(); });
  auto began = std::chrono::steady_clock::now();
  informer.start();
  ASSERT_TRUE(api_.wait_for_calls("watch", 4));
  EXPECT_GE(std::chrono::steady_clock::now() - began, 100ms) << "20, 40 and 40 ms between them";
}

TEST_F(InformerTest, LeavesOutWhatItsProjectionCannotRead) {
  api_.put(pod_a, Json{{"other", 1}});
  api_.put(pod_b, pod("1"));
  start();
  EXPECT_EQ(informer_.size(), 1U);
  api_.put(pod_b, Json{{"value", 7}});
  EXPECT_THAT(wait_told(2), ElementsAre("added b ->1", "removed b 1>-"));
  api_.put(pod_a, pod("2"));
  EXPECT_THAT(wait_told(3), Contains("added a ->2"));
}

TEST_F(InformerTest, StopsWhileTheWatchIsQuiet) {
  start();
  auto asked = std::chrono::steady_clock::now();
  informer_.stop();
  informer_.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - asked, 5s)
      << "a quiet watch may wait for minutes; KubernetesWatch has a closer bound";
}

TEST_F(InformerTest, StopsWhileItBacksOff) {
  Informer<Kept> slow(api_, clock_, random_, {.type = pods, .backoff_min = 1h, .backoff_max = 1h},
                      [](const Json&) { return std::make_shared<Kept>(); });
  api_.intercept([](const std::string&, const std::string&) -> Status { return fail(ErrorKind::unavailable, "no"); });
  slow.start();
  ASSERT_TRUE(api_.wait_for_calls("list", 1));
  std::thread waiter([&] { EXPECT_FALSE(slow.wait_until_synced(1h)); });
  slow.stop();
  waiter.join();
}

// The same against HTTP: what the fake in memory takes for granted.
TEST(InformerOverHttp, ListsWatchesResumesAndListsAgain) {
  std::atomic<int> round_count{0};
  ScriptedServer server([&](const ScriptedRequest&, ScriptedConnection& connection) {
    int round = round_count++;
    auto object = [](const std::string& name, const std::string& version) {
      return Json{{"metadata", {{"name", name}, {"namespace", "n"}, {"resourceVersion", version}}}};
    };
    auto line = [](const std::string& type, const Json& about) {
      return Json{{"type", type}, {"object", about}}.dump() + "\n";
    };
    if (round == 0 || round == 4) {
      Json list{{"metadata", {{"resourceVersion", round == 0 ? "10" : "50"}}},
                {"items", Json::array({object("a", "9")})}};
      connection.answer(200, list.dump());
      return;
    }
    connection.begin_chunks();
    if (round == 1) {
      connection.chunk(line("ADDED", object("b", "11")));
      connection.chunk(line("BOOKMARK", Json{{"metadata", {{"resourceVersion", "20"}}}}));
      connection.end_chunks();
    } else if (round == 2) {
      std::string cut = line("ADDED", object("c", "21"));
      connection.chunk(line("DELETED", object("a", "20")) + cut.substr(0, 30));
      connection.break_off();
    } else if (round == 3) {
      connection.chunk(line("ERROR", Json{{"kind", "Status"}, {"code", 410}, {"message", "too old"}}));
      connection.end_chunks();
    } else {
      connection.wait_until_closed();
    }
  });
  auto client = client_of(server);
  SystemClock clock;
  SystemRandom random;
  Informer<Kept> informer(*client, clock, random, {.type = pods, .backoff_min = 1ms, .backoff_max = 5ms},
                          [](const Json& object) {
                            return std::make_shared<Kept>(Kept{object.at("metadata").at("name").get<std::string>()});
                          });
  informer.start();
  ASSERT_TRUE(server.wait_for_requests(6));
  informer.stop();
  std::vector<std::string> asked;
  for (const auto& request : server.requests()) {
    asked.push_back((request.query("watch") == "true" ? "watch " : "list ") + request.query("resourceVersion"));
  }
  EXPECT_THAT(asked, ElementsAre("list 0", "watch 10", "watch 20", "watch 20", "list (none)", "watch 50"));
  EXPECT_NE(informer.get({"n", "a"}), nullptr);
  EXPECT_EQ(informer.get({"n", "b"}), nullptr);
}

}  // namespace
}  // namespace millrace::kubernetes

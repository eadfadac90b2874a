#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <future>

#include <nlohmann/json.hpp>
#include <thread>

#include "test/operator/kubernetes/client_fixture.h"
#include "test/operator/kubernetes/scripted_server.h"

namespace millrace::kubernetes {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string event(const std::string& type, const std::string& name, const std::string& version) {
  Json object{{"kind", "Pod"}, {"metadata", {{"name", name}, {"resourceVersion", version}}}};
  return Json{{"type", type}, {"object", object}}.dump() + "\n";
}

struct Seen {
  std::vector<std::string> events;
  Status status;
};

Seen watch(KubernetesClient& client, const WatchOptions& options = {}, std::stop_token stop = {}) {
  Seen seen;
  seen.status = client.watch(
      pods, options,
      [&](WatchEventType type, Json&& object) {
        constexpr std::array<const char*, 4> names{"added", "modified", "deleted", "bookmark"};
        seen.events.push_back(std::string(names.at(static_cast<std::size_t>(type))) + " " +
                              object["metadata"].value("name", "") + " " +
                              object["metadata"]["resourceVersion"].get<std::string>());
      },
      std::move(stop));
  return seen;
}

TEST(KubernetesWatch, AsksForBookmarksAndATimeout) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) {
    connection.begin_chunks();
    connection.end_chunks();
  });
  auto client = client_of(server);
  ASSERT_TRUE(watch(*client, {.namespace_name = "n",
                              .label_selector = "a=b",
                              .resource_version = "5",
                              .server_timeout = std::chrono::seconds(321)})
                  .status);
  auto request = server.requests().at(0);
  EXPECT_EQ(request.path(), "/api/v1/namespaces/n/pods");
  EXPECT_EQ(request.query("watch"), "true");
  EXPECT_EQ(request.query("allowWatchBookmarks"), "true");
  EXPECT_EQ(request.query("timeoutSeconds"), "321");
  EXPECT_EQ(request.query("resourceVersion"), "5");
  EXPECT_EQ(request.query("labelSelector"), "a=b");
}

TEST(KubernetesWatch, GivesEventsWhereverChunksAreCut) {
  std::string text =
      event("ADDED", "a", "1") + event("MODIFIED", "a", "2") + event("BOOKMARK", "", "3") + event("DELETED", "a", "4");
  for (std::size_t size : {std::size_t{1}, std::size_t{7}, std::size_t{64}, text.size()}) {
    ScriptedServer server([&](const ScriptedRequest&, ScriptedConnection& connection) {
      connection.begin_chunks();
      for (std::size_t at = 0; at < text.size(); at += size) connection.chunk(std::string_view(text).substr(at, size));
      connection.end_chunks();
    });
    auto client = client_of(server);
    Seen seen = watch(*client);
    EXPECT_TRUE(seen.status) << seen.status.error().message;
    EXPECT_THAT(seen.events, ElementsAre("added a 1", "modified a 2", "bookmark  3", "deleted a 4")) << size;
  }
}

TEST(KubernetesWatch, GivesAnEventAtOnceAndNotWhenTheNextOneComes) {
  std::promise<void> received;
  ScriptedServer server([&](const ScriptedRequest&, ScriptedConnection& connection) {
    connection.begin_chunks();
    connection.chunk(event("ADDED", "a", "1"));
    received.get_future().wait();
    connection.end_chunks();
  });
  auto client = client_of(server);
  Status status = client->watch(pods, {}, [&](WatchEventType, Json&&) { received.set_value(); }, {});
  EXPECT_TRUE(status);
}

TEST(KubernetesWatch, SaysThatItsVersionExpired) {
  ScriptedServer in_stream([](const ScriptedRequest&, ScriptedConnection& connection) {
    connection.begin_chunks();
    connection.chunk(event("ADDED", "a", "1"));
    connection.chunk(
        R"({"type":"ERROR","object":{"kind":"Status","status":"Failure","message":"too old resource version: 1 of 9","reason":"Expired","code":410}})"
        "\n");
    connection.wait_until_closed();
  });
  auto client = client_of(in_stream);
  Seen seen = watch(*client);
  ASSERT_FALSE(seen.status);
  EXPECT_EQ(seen.status.error().kind, ErrorKind::session_expired);
  EXPECT_THAT(seen.status.error().message, HasSubstr("too old resource version"));
  EXPECT_THAT(seen.events, ElementsAre("added a 1"));

  ScriptedServer at_once([](const ScriptedRequest&, ScriptedConnection& connection) {
    connection.answer(410, R"({"kind":"Status","code":410,"reason":"Gone"})");
  });
  EXPECT_EQ(watch(*client_of(at_once)).status.error().kind, ErrorKind::session_expired);
}

TEST(KubernetesWatch, ReportsAConnectionThatBreaksInTheMiddleOfALine) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) {
    connection.begin_chunks();
    connection.chunk(event("ADDED", "a", "1"));
    connection.chunk(event("ADDED", "b", "2").substr(0, 20));
    connection.break_off();
  });
  Seen seen = watch(*client_of(server));
  ASSERT_FALSE(seen.status);
  EXPECT_EQ(seen.status.error().kind, ErrorKind::connection_loss);
  EXPECT_THAT(seen.events, ElementsAre("added a 1"));
}

TEST(KubernetesWatch, ReportsAStreamThatEndsInTheMiddleOfALine) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) {
    connection.begin_chunks();
    connection.chunk(event("ADDED", "a", "1") + "{\"type\":");
    connection.end_chunks();
  });
  Seen seen = watch(*client_of(server));
  ASSERT_FALSE(seen.status);
  EXPECT_EQ(seen.status.error().kind, ErrorKind::connection_loss);
}

TEST(KubernetesWatch, CallsLinesThatAreNotEventsCorrupt) {
  for (std::string line :
       {"no json", "[]", "{\"type\":\"ADDED\"}", "{\"type\":1,\"object\":{}}", "{\"type\":\"NEW\",\"object\":{}}"}) {
    ScriptedServer server([&](const ScriptedRequest&, ScriptedConnection& connection) {
      connection.begin_chunks();
      connection.chunk(line + "\n");
      connection.wait_until_closed();
    });
    EXPECT_EQ(watch(*client_of(server)).status.error().kind, ErrorKind::corrupt) << line;
  }
}

TEST(KubernetesWatch, BoundsALine) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) {
    connection.begin_chunks();
    std::string part(64 << 10, 'x');
    for (int count = 0; count < 100; ++count) connection.chunk(part);
    connection.wait_until_closed();
  });
  auto client = client_of(server, {.watch_line_bytes_max = 1 << 20});
  EXPECT_EQ(watch(*client).status.error().kind, ErrorKind::resource_exhausted);
}

// From the asking to the end. A busy machine slows some tries, not all.
std::chrono::nanoseconds time_to_end_a_quiet_watch() {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) {
    connection.begin_chunks();
    connection.wait_until_closed();
  });
  auto client = client_of(server);
  std::stop_source stop;
  std::chrono::steady_clock::time_point asked;
  std::thread stopper([&] {
    server.wait_for_requests(1);
    asked = std::chrono::steady_clock::now();
    stop.request_stop();
  });
  Seen seen = watch(*client, {}, stop.get_token());
  auto ended = std::chrono::steady_clock::now();
  stopper.join();
  EXPECT_EQ(seen.status.error().kind, ErrorKind::cancelled);
  return ended - asked;
}

TEST(KubernetesWatch, EndsWithinASecondWhenItIsAskedToWhileQuiet) {
  auto fastest = time_to_end_a_quiet_watch();
  for (int further = 0; further < 2 && fastest >= std::chrono::seconds(1); ++further) {
    fastest = std::min(fastest, time_to_end_a_quiet_watch());
  }
  EXPECT_LT(fastest, std::chrono::seconds(1));
}

TEST(KubernetesWatch, ClosesItsConnectionWhenItEnds) {
  std::promise<void> closed;
  ScriptedServer server([&](const ScriptedRequest&, ScriptedConnection& connection) {
    connection.begin_chunks();
    connection.wait_until_closed();
    closed.set_value();
  });
  auto client = client_of(server);
  std::stop_source stop;
  std::thread stopper([&] {
    server.wait_for_requests(1);
    stop.request_stop();
  });
  watch(*client, {}, stop.get_token());
  stopper.join();
  EXPECT_EQ(closed.get_future().wait_for(std::chrono::seconds(5)), std::future_status::ready);
}

TEST(KubernetesWatch, EndsWhenTheServerIsSilentForTooLong) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) {
    connection.begin_chunks();
    connection.chunk(event("ADDED", "a", "1"));
    connection.wait_until_closed();
  });
  auto client = client_of(server, {.watch_silence_max = std::chrono::milliseconds(200)});
  Seen seen = watch(*client);
  EXPECT_TRUE(seen.status);
  EXPECT_THAT(seen.events, ElementsAre("added a 1"));
}

TEST(KubernetesWatch, DeliversEverythingToASlowReader) {
  constexpr int count = 300;
  std::string padding(16 << 10, 'p');
  ScriptedServer server([&](const ScriptedRequest&, ScriptedConnection& connection) {
    connection.begin_chunks();
    for (int number = 0; number < count; ++number) {
      connection.chunk(Json{{"type", "ADDED"}, {"object", {{"n", number}, {"padding", padding}}}}.dump() + "\n");
    }
    connection.end_chunks();
  });
  auto client = client_of(server);
  int next = 0;
  Status status = client->watch(pods, {},
                                [&](WatchEventType, Json&& object) {
                                  if (object["n"] == next) ++next;
                                  if (next % 50 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
                                },
                                {});
  EXPECT_TRUE(status) << status.error().message;
  EXPECT_EQ(next, count);
}

TEST(KubernetesWatch, DoesNotHinderRequests) {
  ScriptedServer server([](const ScriptedRequest& request, ScriptedConnection& connection) {
    if (request.query("watch") == "true") {
      connection.begin_chunks();
      connection.wait_until_closed();
    } else {
      connection.answer(200, "{}");
    }
  });
  auto client = client_of(server);
  std::vector<std::thread> watchers;
  for (int number = 0; number < 12; ++number) watchers.emplace_back([&] { watch(*client); });
  server.wait_for_requests(12);
  for (int round = 0; round < 10; ++round) {
    auto object = client->get({config_maps, "default", "a"}, {.timeout = std::chrono::seconds(5)});
    EXPECT_TRUE(object) << object.error().message;
  }
  client->stop();
  for (auto& watcher : watchers) watcher.join();
}

}  // namespace
}  // namespace millrace::kubernetes

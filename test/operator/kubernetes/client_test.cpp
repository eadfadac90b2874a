#include "operator/kubernetes/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "test/operator/kubernetes/client_fixture.h"
#include "test/operator/kubernetes/scripted_server.h"

namespace millrace::kubernetes {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

const ObjectReference config_map_a{config_maps, "default", "a"};

std::string status_object(int code, const std::string& reason, const std::string& message, Json details = nullptr) {
  Json status{{"kind", "Status"},   {"apiVersion", "v1"}, {"status", "Failure"},
              {"message", message}, {"reason", reason},   {"code", code}};
  if (!details.is_null()) status["details"] = details;
  return status.dump();
}

TEST(KubernetesClient, ReadsAnObject) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) {
    connection.answer(200, R"({"kind":"ConfigMap","data":{"k":"v"}})");
  });
  auto client = client_of(server);
  auto object = client->get(config_map_a, {});
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_EQ((*object)["data"]["k"], "v");
  auto request = server.requests().at(0);
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.target, "/api/v1/namespaces/default/configmaps/a");
  EXPECT_EQ(request.header("accept"), "application/json");
  EXPECT_EQ(request.header("user-agent"), "millrace-operator");
}

TEST(KubernetesClient, KeepsTheServersPathInFront) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) { connection.answer(200, "{}"); });
  auto client = client_of(server, {}, {.server = server.url() + "/k8s/clusters/c-1"});
  ASSERT_TRUE(client->get({nodes, "", "n 1"}, {}));
  EXPECT_EQ(server.requests().at(0).target, "/k8s/clusters/c-1/api/v1/nodes/n%201");
}

TEST(KubernetesClient, UsesOneConnectionForRequestsInARow) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) { connection.answer(200, "{}"); });
  auto client = client_of(server);
  for (int round = 0; round < 20; ++round) ASSERT_TRUE(client->get(config_map_a, {}));
  EXPECT_LE(server.connection_count(), 2);
}

TEST(KubernetesClient, SendsAgainWhenAKeptConnectionTurnsOutToBeClosed) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) {
    connection.answer(200, "{}");
    connection.break_off();
  });
  auto client = client_of(server);
  for (int round = 0; round < 5; ++round) {
    auto created = client->create(config_map_a, Json{{"data", {{"k", "v"}}}}, {});
    ASSERT_TRUE(created) << created.error().message;
  }
}

TEST(KubernetesClient, ListsPageByPageAndGivesItemsTheirKind) {
  ScriptedServer server([](const ScriptedRequest& request, ScriptedConnection& connection) {
    if (request.query("continue") == "(none)") {
      connection.answer(200, R"({"kind":"PodList","metadata":{"resourceVersion":"7","continue":"next+page/="},
                                 "items":[{"metadata":{"name":"a","labels":{"items":"{}"}}},{"metadata":{"name":"b"}}]})");
    } else {
      connection.answer(200, R"({"metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"c"}}]})");
    }
  });
  auto client = client_of(server);
  std::vector<std::string> names;
  auto version = client->list(
      pods, {.namespace_name = "default", .label_selector = "a=b,c!=d", .resource_version = "0"}, [&](Json&& item) {
        names.push_back(item["kind"].get<std::string>() + item["metadata"]["name"].get<std::string>());
      });
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_EQ(*version, "7");
  EXPECT_THAT(names, ElementsAre("Poda", "Podb", "Podc"));
  auto first = server.requests().at(0);
  EXPECT_EQ(first.query("labelSelector"), "a=b,c!=d");
  EXPECT_EQ(first.query("resourceVersion"), "0");
  EXPECT_EQ(first.query("limit"), "100");
  EXPECT_EQ(server.requests().at(1).query("continue"), "next+page/=");
  EXPECT_EQ(server.requests().at(1).query("resourceVersion"), "(none)");
}

TEST(KubernetesClient, ListsNotOlderThanAVersionWithoutALimitBecauseThatWouldMeanExactly) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) {
    connection.answer(200, R"({"metadata":{"resourceVersion":"12"},"items":[]})");
  });
  auto client = client_of(server);
  ASSERT_TRUE(client->list(pods, {.resource_version = "9"}, [](Json&&) {}));
  auto request = server.requests().at(0);
  EXPECT_EQ(request.path(), "/api/v1/pods");
  EXPECT_EQ(request.query("resourceVersion"), "9");
  EXPECT_EQ(request.query("resourceVersionMatch"), "NotOlderThan");
  EXPECT_EQ(request.query("limit"), "(none)");
}

TEST(KubernetesClient, AppliesWithItsFieldManagerAndFillsInWhatTheAddressSays) {
  ScriptedServer server(
      [](const ScriptedRequest& request, ScriptedConnection& connection) { connection.answer(200, request.body); });
  auto client = client_of(server);
  constexpr ResourceType clusters{"millrace.dev", "v1alpha1", "kafkaclusters", "KafkaCluster"};
  auto applied = client->apply({clusters, "kafka", "c"}, Json{{"status", {{"ready", true}}}},
                               {.force = true, .subresource = "status"});
  ASSERT_TRUE(applied) << applied.error().message;
  auto request = server.requests().at(0);
  EXPECT_EQ(request.method, "PATCH");
  EXPECT_EQ(request.path(), "/apis/millrace.dev/v1alpha1/namespaces/kafka/kafkaclusters/c/status");
  EXPECT_EQ(request.query("fieldManager"), "millrace-operator");
  EXPECT_EQ(request.query("force"), "true");
  EXPECT_EQ(request.header("content-type"), "application/apply-patch+yaml");
  EXPECT_EQ(*applied, Json::parse(R"({"apiVersion":"millrace.dev/v1alpha1","kind":"KafkaCluster",
                                      "metadata":{"name":"c","namespace":"kafka"},"status":{"ready":true}})"));
  ASSERT_TRUE(client->apply(config_map_a, Json::object(), {}));
  EXPECT_EQ(server.requests().at(1).query("force"), "false");
}

TEST(KubernetesClient, WritesWithTheMethodAndTypeOfEachKind) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) { connection.answer(200, "{}"); });
  auto client = client_of(server);
  ASSERT_TRUE(client->create(config_map_a, Json::object(), {}));
  ASSERT_TRUE(client->replace(config_map_a, Json{{"metadata", {{"resourceVersion", "3"}}}}, {}));
  ASSERT_TRUE(client->merge_patch(config_map_a, Json{{"data", nullptr}}, {}));
  auto requests = server.requests();
  EXPECT_EQ(requests.at(0).method + " " + requests.at(0).target, "POST /api/v1/namespaces/default/configmaps");
  EXPECT_EQ(requests.at(1).method + " " + requests.at(1).target, "PUT /api/v1/namespaces/default/configmaps/a");
  EXPECT_EQ(Json::parse(requests.at(1).body)["metadata"]["resourceVersion"], "3");
  EXPECT_EQ(requests.at(2).method, "PATCH");
  EXPECT_EQ(requests.at(2).header("content-type"), "application/merge-patch+json");
  EXPECT_EQ(requests.at(2).body, R"({"data":null})");
}

TEST(KubernetesClient, DeletesUnderPreconditions) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) { connection.answer(200, "{}"); });
  auto client = client_of(server);
  ASSERT_TRUE(client->remove(
      config_map_a,
      {.uid = "u-1", .resource_version = "42", .propagation = Propagation::foreground, .grace_period_seconds = 0}));
  auto request = server.requests().at(0);
  EXPECT_EQ(request.method, "DELETE");
  Json body = Json::parse(request.body);
  EXPECT_EQ(body["preconditions"], (Json{{"uid", "u-1"}, {"resourceVersion", "42"}}));
  EXPECT_EQ(body["propagationPolicy"], "Foreground");
  EXPECT_EQ(body["gracePeriodSeconds"], 0);
}

TEST(KubernetesClient, RefusesNamesThatCannotBeAsked) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) { connection.answer(200, "{}"); });
  auto client = client_of(server);
  EXPECT_EQ(client->get({config_maps, "default", ""}, {}).error().kind, ErrorKind::invalid_argument);
  EXPECT_EQ(client->get({config_maps, "", "a"}, {}).error().kind, ErrorKind::invalid_argument);
  EXPECT_EQ(client->remove({nodes, "default", "n"}, {}).error().kind, ErrorKind::invalid_argument);
  EXPECT_TRUE(server.requests().empty());
}

struct Refusal {
  int status;
  std::string body;
  ErrorKind kind;
};

TEST(KubernetesClient, TellsRefusalsApart) {
  Json conflict_causes{{"causes", Json::array({{{"reason", "FieldManagerConflict"},
                                                {"message", "conflict with \"kubectl\""},
                                                {"field", ".data.k"}}})}};
  Json too_large{
      {"causes", Json::array({{{"reason", "ResourceVersionTooLarge"}, {"message", "Too large resource version"}}})}};
  Json terminating{{"causes", Json::array({{{"reason", "NamespaceTerminating"}}})}};
  std::vector<Refusal> refusals{
      {404, status_object(404, "NotFound", "configmaps \"a\" not found", {{"name", "a"}, {"kind", "configmaps"}}),
       ErrorKind::not_found},
      {404, status_object(404, "NotFound", "the server could not find the requested resource", Json::object()),
       ErrorKind::unsupported},
      {404, "404 page not found\n", ErrorKind::unsupported},
      {409, status_object(409, "AlreadyExists", "exists"), ErrorKind::already_exists},
      {409, status_object(409, "Conflict", "the object has been modified"), ErrorKind::version_mismatch},
      {409, status_object(409, "Conflict", "Apply failed with 1 conflict", conflict_causes), ErrorKind::conflict},
      {422, status_object(422, "Invalid", "spec.replicas: must be positive"), ErrorKind::invalid_argument},
      {403, status_object(403, "Forbidden", "cannot get"), ErrorKind::permission_denied},
      {403, status_object(403, "Forbidden", "because it is being terminated", terminating), ErrorKind::unavailable},
      {401, status_object(401, "Unauthorized", "Unauthorized"), ErrorKind::permission_denied},
      {410, status_object(410, "Expired", "too old resource version"), ErrorKind::session_expired},
      {504, status_object(504, "Timeout", "Too large resource version", too_large), ErrorKind::session_expired},
      {504, "upstream timed out", ErrorKind::timed_out},
      {429, status_object(429, "TooManyRequests", "slow down"), ErrorKind::unavailable},
      {500, status_object(500, "InternalError", "etcdserver: leader changed"), ErrorKind::unavailable},
      {503, "<html>no</html>", ErrorKind::unavailable},
      {302, "", ErrorKind::corrupt},
  };
  std::atomic<std::size_t> at{0};
  ScriptedServer server([&](const ScriptedRequest&, ScriptedConnection& connection) {
    connection.answer(refusals[at].status, refusals[at].body,
                      refusals[at].status == 504 ? "Retry-After: 1\r\n" : "Location: http://127.0.0.1:1/\r\n");
  });
  auto client = client_of(server);
  for (; at < refusals.size(); ++at) {
    auto object = client->get(config_map_a, {});
    ASSERT_FALSE(object);
    EXPECT_EQ(object.error().kind, refusals[at].kind)
        << refusals[at].status << " " << refusals[at].body << " -> " << object.error().message;
    EXPECT_THAT(object.error().message,
                AllOf(HasSubstr("cannot read ConfigMap default/a"), HasSubstr(std::to_string(refusals[at].status))));
  }
}

TEST(KubernetesClient, WaitsAsRetryAfterAsksAndSendsAgain) {
  std::atomic<int> count{0};
  ScriptedServer server([&](const ScriptedRequest&, ScriptedConnection& connection) {
    ++count < 3 ? connection.answer(count == 1 ? 429 : 503, "", "Retry-After: 1\r\n") : connection.answer(200, "{}");
  });
  auto client = client_of(server);
  auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(client->get(config_map_a, {}));
  EXPECT_EQ(count, 3);
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::seconds(2));
}

TEST(KubernetesClient, DoesNotWaitForARetryThatWouldComeTooLate) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) {
    connection.answer(429, status_object(429, "TooManyRequests", "overloaded"), "Retry-After: 60\r\n");
  });
  auto client = client_of(server);
  auto began = std::chrono::steady_clock::now();
  auto object = client->get(config_map_a, {.timeout = std::chrono::seconds(30)});
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(object.error().message, HasSubstr("overloaded"));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
}

TEST(KubernetesClient, SendsNothingAfterItsTime) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) { connection.answer(200, "{}"); });
  auto client = client_of(server);
  for (auto timeout : {Duration::zero(), Duration(std::chrono::seconds(-1))}) {
    auto written = client->create(config_map_a, Json::object(), {.timeout = timeout});
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, ErrorKind::timed_out);
  }
  EXPECT_TRUE(server.requests().empty());
}

TEST(KubernetesClient, SendsNothingAgainThatWouldComeAfterItsTime) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) {
    connection.answer(429, status_object(429, "TooManyRequests", "overloaded"), "Retry-After: 3\r\n");
  });
  auto client = client_of(server);
  auto begun = std::chrono::steady_clock::now();
  // Once more fits in, with two seconds to spare for a busy machine; twice does not.
  auto written = client->create(config_map_a, Json::object(), {.timeout = std::chrono::seconds(5)});
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().kind, ErrorKind::unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
  EXPECT_EQ(server.requests().size(), 2U);
}

TEST(KubernetesClient, CutsARefusalAtACharactersEdge) {
  std::string words = "x";
  while (words.size() < 4000) words += "ä";
  ScriptedServer server([&words, count = 0](const ScriptedRequest&, ScriptedConnection& connection) mutable {
    ++count == 1 ? connection.answer(422, status_object(422, "Invalid", words))
                 : connection.answer(502, "a proxy's page in another encoding: \xe4\xf6");
  });
  auto client = client_of(server);
  for (int round = 0; round < 2; ++round) {
    auto read = client->get(config_map_a, {});
    ASSERT_FALSE(read);
    EXPECT_LT(read.error().message.size(), 2200U);
    EXPECT_NO_THROW((void)Json(read.error().message).dump()) << "it goes into the status";
  }
}

TEST(KubernetesClient, StopsWaitingForARetryWhenItIsStopped) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) {
    connection.answer(429, "", "Retry-After: 20\r\n");
  });
  auto client = client_of(server);
  std::thread stopper([&] {
    server.wait_for_requests(1);
    client->stop();
  });
  auto object = client->get(config_map_a, {.timeout = std::chrono::seconds(60)});
  stopper.join();
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().kind, ErrorKind::cancelled);
}

TEST(KubernetesClient, GivesUpAtTheDeadline) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) { connection.wait_until_closed(); });
  auto client = client_of(server);
  auto object = client->get(config_map_a, {.timeout = std::chrono::milliseconds(100)});
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().kind, ErrorKind::timed_out);
  EXPECT_THAT(object.error().message, HasSubstr("ConfigMap default/a"));
}

TEST(KubernetesClient, GivesUpAtTheDeadlineInTheMiddleOfABody) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) {
    connection.begin_chunks();
    connection.chunk("{\"a\":");
    connection.wait_until_closed();
  });
  auto client = client_of(server);
  auto object = client->get(config_map_a, {.timeout = std::chrono::milliseconds(100)});
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().kind, ErrorKind::timed_out);
}

TEST(KubernetesClient, EndsCallsUnderWayWhenItIsStopped) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) { connection.wait_until_closed(); });
  auto client = client_of(server);
  std::thread stopper([&] {
    server.wait_for_requests(1);
    client->stop();
  });
  auto object = client->get(config_map_a, {.timeout = std::chrono::minutes(1)});
  stopper.join();
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().kind, ErrorKind::cancelled);
  EXPECT_EQ(client->get(config_map_a, {}).error().kind, ErrorKind::cancelled);
}

TEST(KubernetesClient, SaysThatNobodyListens) {
  std::string url;
  {
    ScriptedServer server([](const ScriptedRequest&, ScriptedConnection&) {});
    url = server.url();
  }
  SystemClock clock;
  auto client = KubernetesClient::make({.server = url}, clock);
  auto object = (*client)->get(config_map_a, {});
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().kind, ErrorKind::unavailable);
}

TEST(KubernetesClient, ReportsAConnectionThatBreaksInTheMiddleOfAnAnswer) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) {
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"kind\":");
    connection.break_off();
  });
  auto client = client_of(server);
  auto object = client->get(config_map_a, {});
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().kind, ErrorKind::connection_loss);
}

TEST(KubernetesClient, CallsAnAnswerThatIsNotJsonCorrupt) {
  ScriptedServer server(
      [](const ScriptedRequest&, ScriptedConnection& connection) { connection.answer(200, "{\"kind\":"); });
  auto client = client_of(server);
  EXPECT_EQ(client->get(config_map_a, {}).error().kind, ErrorKind::corrupt);
  EXPECT_EQ(client->list(pods, {}, [](Json&&) {}).error().kind, ErrorKind::corrupt);
}

TEST(KubernetesClient, BoundsTheAnswersLength) {
  std::string long_text(3 << 20, 'x');
  ScriptedServer server(
      [&](const ScriptedRequest&, ScriptedConnection& connection) { connection.answer(200, "\"" + long_text + "\""); });
  auto bounded = client_of(server, {.answer_bytes_max = 1 << 20});
  EXPECT_EQ(bounded->get(config_map_a, {}).error().kind, ErrorKind::resource_exhausted);
  auto wide = client_of(server);
  auto object = wide->get(config_map_a, {});
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_EQ(object->get<std::string>().size(), long_text.size());
}

TEST(KubernetesClient, AnswersManyThreadsAtOnce) {
  ScriptedServer server([](const ScriptedRequest& request, ScriptedConnection& connection) {
    connection.answer(200, Json{{"path", request.path()}}.dump());
  });
  auto client = client_of(server);
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < 25; ++round) {
        std::string name = "t" + std::to_string(thread) + "-" + std::to_string(round);
        auto object = client->get({config_maps, "default", name}, {});
        if (object && (*object)["path"] == "/api/v1/namespaces/default/configmaps/" + name) ++right;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 200);
}

class TokenFile {
 public:
  TokenFile() : path_(std::filesystem::temp_directory_path() / ("token-" + std::to_string(::getpid()))) {}
  ~TokenFile() { std::filesystem::remove(path_); }
  void write(const std::string& token) { std::ofstream(path_) << token << "\n"; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

TEST(KubernetesClient, ReadsItsTokenAgainEachMinute) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) { connection.answer(200, "{}"); });
  TokenFile token;
  token.write("first");
  ManualClock clock;
  auto client = KubernetesClient::make({.server = server.url(), .token_file = token.path()}, clock);
  ASSERT_TRUE((*client)->get(config_map_a, {}));
  token.write("second");
  ASSERT_TRUE((*client)->get(config_map_a, {}));
  clock.advance(std::chrono::seconds(61));
  ASSERT_TRUE((*client)->get(config_map_a, {}));
  std::filesystem::remove(token.path());
  clock.advance(std::chrono::seconds(61));
  ASSERT_TRUE((*client)->get(config_map_a, {}));
  std::vector<std::string> sent;
  for (const auto& request : server.requests()) sent.push_back(request.header("authorization"));
  EXPECT_THAT(sent, ElementsAre("Bearer first", "Bearer first", "Bearer second", "Bearer second"));
}

TEST(KubernetesClient, ReadsItsTokenAgainWhenItIsRefused) {
  TokenFile token;
  token.write("old");
  ScriptedServer server([&](const ScriptedRequest& request, ScriptedConnection& connection) {
    if (request.header("authorization") == "Bearer new") {
      connection.answer(200, "{}");
    } else {
      token.write("new");
      connection.answer(401, status_object(401, "Unauthorized", "Unauthorized"));
    }
  });
  ManualClock clock;
  auto client = KubernetesClient::make({.server = server.url(), .token_file = token.path()}, clock);
  EXPECT_TRUE((*client)->get(config_map_a, {}));
  EXPECT_EQ(server.requests().size(), 2U);
}

TEST(KubernetesClient, FailsClearlyWithoutItsToken) {
  ScriptedServer server([](const ScriptedRequest&, ScriptedConnection& connection) { connection.answer(200, "{}"); });
  SystemClock clock;
  auto client = KubernetesClient::make({.server = server.url(), .token_file = "/nowhere/token"}, clock);
  auto object = (*client)->get(config_map_a, {});
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().kind, ErrorKind::permission_denied);
  EXPECT_THAT(object.error().message, HasSubstr("/nowhere/token"));
}

}  // namespace
}  // namespace millrace::kubernetes

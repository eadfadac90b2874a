// The client against a real API server: the one of $KUBECONFIG. Works in a namespace of its own and removes it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "broker/base/random.h"
#include "operator/kubernetes/client.h"
#include "operator/kubernetes/event_recorder.h"
#include "operator/kubernetes/informer.h"
#include "operator/kubernetes/leader_election.h"

namespace millrace::kubernetes {
namespace {

using testing::HasSubstr;

class Cluster : public testing::Test {
 protected:
  static std::unique_ptr<KubernetesClient> connect() {
    auto configuration = find_configuration();
    EXPECT_TRUE(configuration) << configuration.error().message;
    if (!configuration) return nullptr;
    auto client = KubernetesClient::make(*configuration, clock_);
    EXPECT_TRUE(client) << client.error().message;
    return client ? std::move(*client) : nullptr;
  }

  void SetUp() override {
    if (std::getenv("KUBECONFIG") == nullptr)
      GTEST_SKIP() << "KUBECONFIG is not set: there is no cluster to test against";
    client_ = connect();
    ASSERT_NE(client_, nullptr);
    namespace_ = "millrace-client-test-" + std::to_string(::getpid()) + "-" + std::to_string(++namespace_count_);
    auto created = client_->create({namespaces, "", namespace_}, Json::object(), {});
    ASSERT_TRUE(created) << created.error().message;
  }

  void TearDown() override {
    if (client_) static_cast<void>(client_->remove({namespaces, "", namespace_}, {}));
  }

  [[nodiscard]] ObjectReference config_map(const std::string& name) const { return {config_maps, namespace_, name}; }

  static inline const SystemClock clock_;
  static inline SystemRandom random_;
  static inline int namespace_count_ = 0;
  std::unique_ptr<KubernetesClient> client_;
  std::string namespace_;
};

struct Kept {
  std::string value;
};

std::shared_ptr<const Kept> keep(const Json& object) {
  return std::make_shared<Kept>(Kept{object.contains("data") ? object["data"].value("k", "") : ""});
}

// Waits for a condition that another thread brings about.
template <class Condition>
bool eventually(const Condition& condition, std::chrono::seconds timeout = std::chrono::seconds(20)) {
  auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

TEST_F(Cluster, TakesObjectsThroughTheirLife) {
  auto reference = config_map("a");
  EXPECT_EQ(client_->get(reference, {}).error().kind, ErrorKind::not_found);
  auto applied = client_->apply(reference, Json{{"data", {{"k", "1"}}}}, {});
  ASSERT_TRUE(applied) << applied.error().message;
  std::string uid = (*applied)["metadata"]["uid"];
  std::string version = (*applied)["metadata"]["resourceVersion"];
  auto again = client_->apply(reference, Json{{"data", {{"k", "1"}}}}, {});
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)["metadata"]["resourceVersion"], version) << "the same apply is no write";
  EXPECT_EQ(client_->create(reference, Json::object(), {}).error().kind, ErrorKind::already_exists);

  auto foreign = client_->apply(reference, Json{{"data", {{"k", "2"}}}}, {.field_manager = "somebody-else"});
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().kind, ErrorKind::conflict);
  EXPECT_THAT(foreign.error().message, HasSubstr("millrace-operator"));
  ASSERT_TRUE(
      client_->apply(reference, Json{{"data", {{"k", "2"}}}}, {.field_manager = "somebody-else", .force = true}));

  Json stale = *applied;
  EXPECT_EQ(client_->replace(reference, stale, {}).error().kind, ErrorKind::version_mismatch);
  auto patched = client_->merge_patch(reference, Json{{"data", {{"m", "3"}}}}, {});
  ASSERT_TRUE(patched);
  EXPECT_EQ((*patched)["data"]["m"], "3");
  EXPECT_EQ(client_->merge_patch(reference, Json{{"metadata", {{"resourceVersion", version}}}}, {}).error().kind,
            ErrorKind::version_mismatch);

  EXPECT_EQ(client_->remove(reference, {.uid = "00000000-0000-0000-0000-000000000000"}).error().kind,
            ErrorKind::version_mismatch);
  EXPECT_EQ(client_->remove(reference, {.uid = uid, .resource_version = version}).error().kind,
            ErrorKind::version_mismatch);
  std::string newest = (*patched)["metadata"]["resourceVersion"];
  EXPECT_TRUE(client_->remove(reference, {.uid = uid, .resource_version = newest}));
  EXPECT_EQ(client_->remove(reference, {}).error().kind, ErrorKind::not_found);
}

TEST_F(Cluster, RefusesInWordsThatHelp) {
  auto invalid =
      client_->apply({services, namespace_, "s"}, Json{{"spec", {{"ports", Json::array({{{"port", 70000}}})}}}}, {});
  ASSERT_FALSE(invalid);
  EXPECT_EQ(invalid.error().kind, ErrorKind::invalid_argument);
  EXPECT_THAT(invalid.error().message, HasSubstr("spec.ports[0].port"));
  constexpr ResourceType unknown{"nobody.example", "v1", "things", "Thing"};
  EXPECT_EQ(client_->get({unknown, namespace_, "a"}, {}).error().kind, ErrorKind::unsupported);
  EXPECT_EQ(client_->list(unknown, {}, [](Json&&) {}).error().kind, ErrorKind::unsupported);
  EXPECT_EQ(client_->create({config_maps, "no-such-namespace", "a"}, Json::object(), {}).error().kind,
            ErrorKind::not_found);
  auto version = client_->get_path("/version", {});
  ASSERT_TRUE(version);
  EXPECT_EQ((*version)["major"], "1");
}

TEST_F(Cluster, ListsInPages) {
  for (int number = 0; number < 7; ++number) {
    ASSERT_TRUE(client_->create(config_map("m-" + std::to_string(number)),
                                Json{{"metadata", {{"labels", {{"of", "list"}}}}}}, {}));
  }
  auto configuration = find_configuration();
  auto small_pages = KubernetesClient::make(*configuration, clock_, {.list_page_size = 2});
  int count = 0;
  auto version =
      (*small_pages)->list(config_maps, {.namespace_name = namespace_, .label_selector = "of=list"}, [&](Json&& item) {
        EXPECT_EQ(item["kind"], "ConfigMap");
        ++count;
      });
  ASSERT_TRUE(version) << version.error().message;
  EXPECT_EQ(count, 7);
  EXPECT_FALSE(version->empty());
  auto future =
      client_->list(config_maps, {.namespace_name = namespace_, .resource_version = "9999999999"}, [](Json&&) {});
  ASSERT_FALSE(future);
  EXPECT_EQ(future.error().kind, ErrorKind::session_expired) << future.error().message;
}

TEST_F(Cluster, KeepsACopyCurrent) {
  ASSERT_TRUE(client_->apply(config_map("before"),
                             Json{{"metadata", {{"labels", {{"of", "informer"}}}}}, {"data", {{"k", "0"}}}}, {}));
  Informer<Kept> informer(*client_, clock_, random_,
                          {.type = config_maps, .namespace_name = namespace_, .label_selector = "of=informer"}, keep);
  std::atomic<int> changes{0};
  informer.on_change([&](Change, const ObjectKey&, const Kept*, const Kept*) { ++changes; });
  informer.start();
  ASSERT_TRUE(informer.wait_until_synced(std::chrono::seconds(10))) << informer.last_error();
  // The first list comes from the API server's cache, which may be a moment behind what was written.
  ASSERT_TRUE(eventually([&] { return informer.get({namespace_, "before"}) != nullptr; }));

  auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(client_->apply(config_map("later"),
                             Json{{"metadata", {{"labels", {{"of", "informer"}}}}}, {"data", {{"k", "1"}}}}, {}));
  EXPECT_TRUE(eventually([&] { return informer.get({namespace_, "later"}) != nullptr; }));
  RecordProperty(
      "watch_latency_ms",
      static_cast<int>(
          std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began).count()));
  ASSERT_TRUE(client_->apply(config_map("later"),
                             Json{{"metadata", {{"labels", {{"of", "informer"}}}}}, {"data", {{"k", "2"}}}}, {}));
  EXPECT_TRUE(eventually([&] { return informer.get({namespace_, "later"})->value == "2"; }));
  ASSERT_TRUE(client_->merge_patch(config_map("later"), Json{{"metadata", {{"labels", {{"of", nullptr}}}}}}, {}));
  EXPECT_TRUE(eventually([&] { return informer.get({namespace_, "later"}) == nullptr; })) << "it left the selector";
  ASSERT_TRUE(client_->remove(config_map("before"), {}));
  EXPECT_TRUE(eventually([&] { return informer.size() == 0; }));
  EXPECT_EQ(changes, 5);

  auto asked = std::chrono::steady_clock::now();
  informer.stop();
  EXPECT_LT(std::chrono::steady_clock::now() - asked, std::chrono::seconds(1));
}

TEST_F(Cluster, ElectsOneAndHandsOverOnStop) {
  auto second_client = connect();
  LeaderElection first(*client_, clock_, random_, {.namespace_name = namespace_, .identity = "first"}, {});
  LeaderElection second(*second_client, clock_, random_, {.namespace_name = namespace_, .identity = "second"}, {});
  first.start();
  ASSERT_TRUE(eventually([&] { return first.is_leader(); }));
  second.start();
  std::this_thread::sleep_for(std::chrono::seconds(5));
  EXPECT_TRUE(first.is_leader());
  EXPECT_FALSE(second.is_leader());
  first.stop();
  EXPECT_FALSE(first.is_leader());
  EXPECT_TRUE(eventually([&] { return second.is_leader(); }, std::chrono::seconds(5))) << "the Lease was released";
  auto lease = client_->get({leases, namespace_, "millrace-operator"}, {});
  ASSERT_TRUE(lease);
  EXPECT_EQ((*lease)["spec"]["holderIdentity"], "second");
  EXPECT_EQ((*lease)["spec"]["leaseTransitions"], 1);
  second.stop();
}

TEST_F(Cluster, RecordsEventsThatCount) {
  auto object = client_->apply(config_map("a"), Json{{"data", {{"k", "1"}}}}, {});
  ASSERT_TRUE(object);
  Regarding regarding{config_map("a"), (*object)["metadata"]["uid"]};
  EventRecorderOptions options{.instance = "test", .repeat_interval = std::chrono::milliseconds(100)};
  {
    EventRecorder recorder(*client_, clock_, options);
    for (int count = 0; count < 3; ++count) {
      recorder.record(regarding, {EventType::warning, "ClaimMissing", "CreatePod", "The claim data-0 is not there."});
    }
    recorder.stop(std::chrono::seconds(5));
    EXPECT_EQ(recorder.dropped_count(), 0U);
  }
  {
    // A new process goes on counting.
    EventRecorder recorder(*client_, clock_, {.instance = "test-2"});
    recorder.record(regarding, {EventType::warning, "ClaimMissing", "CreatePod", "The claim data-0 is not there."});
    recorder.stop(std::chrono::seconds(5));
  }
  std::vector<Json> found;
  ASSERT_TRUE(
      client_->list(events, {.namespace_name = namespace_}, [&](Json&& item) { found.push_back(std::move(item)); }));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0]["reason"], "ClaimMissing");
  EXPECT_EQ(found[0]["type"], "Warning");
  EXPECT_EQ(found[0]["series"]["count"], 4);
  EXPECT_EQ(found[0]["regarding"]["kind"], "ConfigMap");
}

}  // namespace
}  // namespace millrace::kubernetes

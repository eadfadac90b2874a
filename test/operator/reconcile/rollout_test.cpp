#include "operator/reconcile/rollout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/api/json_access.h"
#include "operator/resources/stateful_set.h"
#include "test/operator/reconcile/scene.h"

namespace millrace::reconcile {
namespace {

using Json = nlohmann::json;
using api::json_at;
using api::text_at;
using testing::HasSubstr;

constexpr const char* pod_name = "demo-broker-0-0";

std::string pod_uid(const Scene& scene) { return api::object_uid(scene.get(kubernetes::pods, pod_name)); }

std::string mounted(const Scene& scene) {
  return text_at(scene.get(kubernetes::pods, pod_name)["spec"]["volumes"][0], {"configMap", "name"});
}

std::size_t broker_configs(const Scene& scene) {
  std::size_t count = 0;
  for (const auto& config : scene.api.all(kubernetes::config_maps))
    count += api::object_name(config) != "demo-founding" ? 1 : 0;
  return count;
}

std::string configuration(const Scene& scene) {
  return text_at(scene.get(kubernetes::config_maps, mounted(scene)), {"data", "server.properties"});
}

TEST(Rollout, OfAConfigurationRestartsTheBrokerOnce) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  auto before = pod_uid(scene);
  auto config = mounted(scene);
  scene.api.forget_writes();
  scene.patch_spec({{"config", {{"num.partitions", 3}, {"auto.create.topics.enable", false}}}});
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(scene.is_ready());
  EXPECT_NE(before, pod_uid(scene));
  EXPECT_NE(config, mounted(scene));
  EXPECT_THAT(configuration(scene), HasSubstr("num.partitions=3\n"));
  EXPECT_THAT(configuration(scene), HasSubstr("auto.create.topics.enable=false\n"));
  EXPECT_EQ(1, std::count(scene.api.writes().begin(), scene.api.writes().end(), "remove Pod default/demo-broker-0-0"));
  EXPECT_TRUE(scene.events.has("BrokerRestarting", "config auto.create.topics.enable, num.partitions"));
  EXPECT_EQ(1U, broker_configs(scene)) << "the old ConfigMap is gone";
}

TEST(Rollout, OfAnImageNamesBothImages) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  scene.patch_spec({{"version", "2.0"}});
  ASSERT_TRUE(scene.settle());
  EXPECT_EQ("2.0", scene.status()["version"]);
  EXPECT_TRUE(scene.events.has("BrokerRestarting",
                               "image registry.test/millrace-broker:1.0 to registry.test/millrace-broker:2.0"));
}

TEST(Rollout, IsNotStartedByANewerOperator) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  auto before = pod_uid(scene);
  auto generation = json_at(scene.get(kubernetes::stateful_sets, "demo-broker-0"), {"metadata", "generation"});
  scene.restart_operator(9, "registry.test/millrace-broker:1.1");
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(scene.is_ready());
  EXPECT_EQ(before, pod_uid(scene));
  EXPECT_EQ(generation, json_at(scene.get(kubernetes::stateful_sets, "demo-broker-0"), {"metadata", "generation"}));
  EXPECT_EQ("1.0", scene.status()["version"]);
  scene.api.forget_writes();
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(scene.api.writes().empty());

  // Its own idea of the template comes along with the next change.
  scene.patch_spec({{"rollout", {{"restartedAt", "today"}}}});
  ASSERT_TRUE(scene.settle());
  EXPECT_NE(before, pod_uid(scene));
  EXPECT_EQ("1.1", scene.status()["version"]);
}

TEST(Rollout, WaitsWhileItIsPaused) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  auto before = pod_uid(scene);
  scene.patch_spec({{"rollout", {{"paused", true}}}, {"config", {{"num.partitions", 3}}}});
  ASSERT_TRUE(scene.settle());
  EXPECT_EQ(before, pod_uid(scene));
  EXPECT_EQ("RolloutPaused", text_at(scene.condition("UpToDate"), {"reason"}));
  EXPECT_THAT(text_at(scene.condition("UpToDate"), {"message"}), HasSubstr("config num.partitions"));

  // A broker that dies meanwhile comes back as it was.
  scene.api.erase(scene.reference(kubernetes::pods, pod_name));
  ASSERT_TRUE(scene.settle());
  EXPECT_THAT(configuration(scene), testing::Not(HasSubstr("num.partitions")));

  scene.patch_spec({{"rollout", {{"paused", false}}}});
  ASSERT_TRUE(scene.settle());
  EXPECT_THAT(configuration(scene), HasSubstr("num.partitions=3"));
}

TEST(Rollout, KilledAfterAnyWriteGoesOn) {
  bool killed = true;
  std::size_t kill_after = 0;
  for (; killed; ++kill_after) {
    ASSERT_LT(kill_after, 50U);
    Scene scene(400 + kill_after);
    scene.apply();
    ASSERT_TRUE(scene.settle());
    auto before = pod_uid(scene);
    scene.patch_spec({{"config", {{"num.partitions", 3}}}});
    killed = false;
    std::size_t seen = 0;
    scene.api.before_write = [&](const auto&) -> std::optional<Error> {
      if (seen++ < kill_after) return std::nullopt;
      killed = true;
      return Error{ErrorKind::cancelled, "the operator is gone"};
    };
    for (int round = 0; round < 10 && !killed; ++round) {
      (void)scene.reconcile_once();
      scene.run_controllers();
    }
    scene.api.before_write = nullptr;
    scene.api.forget_writes();
    scene.restart_operator(500 + kill_after);
    ASSERT_TRUE(scene.settle()) << kill_after;
    EXPECT_TRUE(scene.is_ready()) << kill_after;
    EXPECT_NE(before, pod_uid(scene)) << kill_after;
    EXPECT_THAT(configuration(scene), HasSubstr("num.partitions=3")) << kill_after;
    EXPECT_LE(std::count(scene.api.writes().begin(), scene.api.writes().end(), "remove Pod default/demo-broker-0-0"), 1)
        << kill_after;
    EXPECT_EQ(1U, broker_configs(scene)) << kill_after;
  }
  EXPECT_GT(kill_after, 3U);
}

TEST(Rollout, DeletesNoPodButTheOneItJudged) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  scene.patch_spec({{"config", {{"num.partitions", 3}}}});
  std::string newcomer;
  scene.api.before_write = [&](const auto& write) -> std::optional<Error> {
    if (write.verb == "remove" && newcomer.empty()) {
      // Between the operator's last look and its request the pod was replaced.
      auto pod = scene.get(kubernetes::pods, pod_name);
      scene.api.put(scene.reference(kubernetes::pods, pod_name), pod);
      newcomer = pod_uid(scene);
    }
    return std::nullopt;
  };
  for (int i = 0; i < 4 && newcomer.empty(); ++i) {
    (void)scene.reconcile_once();
    if (newcomer.empty()) scene.run_controllers();
  }
  ASSERT_FALSE(newcomer.empty());
  EXPECT_EQ(newcomer, pod_uid(scene));
}

TEST(Rollout, PutsATemplateBackThatSomebodyChangedWithoutARestart) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  auto before = pod_uid(scene);
  scene.api.edit(scene.reference(kubernetes::stateful_sets, "demo-broker-0"),
                 {{"spec", {{"template", {{"spec", {{"terminationGracePeriodSeconds", 1}}}}}}}});
  ASSERT_TRUE(scene.settle());
  EXPECT_EQ(before, pod_uid(scene));
  auto grace = json_at(scene.get(kubernetes::stateful_sets, "demo-broker-0"),
                       {"spec", "template", "spec", "terminationGracePeriodSeconds"});
  EXPECT_EQ(300, grace);
  EXPECT_TRUE(scene.is_ready());
}

TEST(Rollout, NeedsAConfigurationThatMayBeSet) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  auto before = pod_uid(scene);
  scene.patch_spec({{"config", {{"broker.id", 7}, {"num.partitions", 3}}}});
  ASSERT_TRUE(scene.settle());
  EXPECT_EQ(before, pod_uid(scene));
  EXPECT_EQ("ConfigRefused", text_at(scene.condition("ConfigValid"), {"reason"}));
  EXPECT_THAT(text_at(scene.condition("ConfigValid"), {"message"}), HasSubstr("broker.id"));
  EXPECT_TRUE(scene.events.has("ConfigRefused", "broker.id"));
  EXPECT_EQ("ConfigRefused", text_at(scene.condition("Ready"), {"reason"}));
  EXPECT_EQ("True", text_at(scene.condition("BrokersReady"), {"status"}));

  scene.patch_spec({{"config", {{"broker.id", nullptr}}}});
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(scene.is_ready());
  EXPECT_THAT(configuration(scene), HasSubstr("num.partitions=3"));
}

TEST(Rollout, CreatesNoBrokerWithARefusedConfiguration) {
  Scene scene;
  auto spec = Json::parse(example);
  spec["config"] = {{"log.dirs", "/tmp"}};
  scene.apply(spec);
  ASSERT_TRUE(scene.settle());
  EXPECT_FALSE(scene.exists(kubernetes::stateful_sets, "demo-broker-0"));
  scene.patch_spec({{"config", nullptr}});
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(scene.is_ready());
}

TEST(Rollout, ReplacesABrokerThatCannotStartWithTheMendedOne) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  Json failing = {
      {"phase", "Running"},
      {"frozen", true},
      {"conditions", Json::array({{{"type", "Ready"}, {"status", "False"}}})},
      {"containerStatuses",
       Json::array(
           {{{"state", {{"waiting", {{"reason", "CrashLoopBackOff"}}}}},
             {"lastState",
              {{"terminated", {{"exitCode", 1}, {"message", "num.partitions: 'many' is not a number\n"}}}}}}})}};
  scene.api.set_status(scene.reference(kubernetes::pods, pod_name), failing);
  ASSERT_TRUE(scene.settle());
  EXPECT_EQ("BrokerFailing", text_at(scene.condition("BrokersReady"), {"reason"}));
  EXPECT_THAT(text_at(scene.condition("BrokersReady"), {"message"}),
              HasSubstr("num.partitions: 'many' is not a number"));
  EXPECT_TRUE(scene.events.has("BrokerFailing", "'many'"));
  scene.patch_spec({{"config", {{"num.partitions", 1}}}});
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(scene.is_ready()) << scene.status().dump(2);
}

TEST(Rollout, MakesTheConfigurationAgainThatSomebodyDeleted) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  auto before = pod_uid(scene);
  auto config = mounted(scene);
  scene.api.erase(scene.reference(kubernetes::config_maps, config));
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(scene.exists(kubernetes::config_maps, config));
  EXPECT_EQ(before, pod_uid(scene));
}

}  // namespace
}  // namespace millrace::reconcile

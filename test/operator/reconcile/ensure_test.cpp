#include "operator/reconcile/ensure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/api/json_access.h"
#include "test/operator/reconcile/scene.h"

namespace millrace::reconcile {
namespace {

using Json = nlohmann::json;
using api::json_at;
using api::text_at;

TEST(Ensure, PutsBackWhatSomebodyChanged) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  auto expected = scene.snapshot();
  scene.api.edit(scene.reference(kubernetes::services, "demo-bootstrap"),
                 {{"spec", {{"selector", {{"millrace.dev/cluster", "other"}}}}}});
  scene.api.edit(scene.reference(kubernetes::stateful_sets, "demo-broker-0"), {{"spec", {{"replicas", 0}}}});
  scene.api.edit(scene.reference(kubernetes::pod_disruption_budgets, "demo-brokers"),
                 {{"spec", {{"minAvailable", 1}}}});
  scene.api.edit(scene.reference(kubernetes::service_accounts, "demo-brokers"),
                 {{"automountServiceAccountToken", true}});
  ASSERT_TRUE(scene.settle());
  EXPECT_EQ(expected, scene.snapshot());
  EXPECT_TRUE(scene.is_ready());
}

TEST(Ensure, LeavesWhatOthersAdd) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  scene.api.edit(scene.reference(kubernetes::services, "demo-bootstrap"),
                 {{"metadata", {{"annotations", {{"mesh/inject", "yes"}}}}}, {"spec", {{"clusterIP", "10.0.0.1"}}}});
  scene.api.forget_writes();
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(scene.api.writes().empty());
  scene.patch_spec({{"listeners", Json::array({{{"name", "internal"}, {"port", 9093}}})}});
  ASSERT_TRUE(scene.settle());
  auto service = scene.get(kubernetes::services, "demo-bootstrap");
  EXPECT_EQ("yes", api::annotation(service, "mesh/inject"));
  EXPECT_EQ("10.0.0.1", text_at(service, {"spec", "clusterIP"}));
  EXPECT_EQ(9093, service["spec"]["ports"][0]["port"]);
}

TEST(Ensure, GivesUpFieldsThatAreNoLongerWanted) {
  Scene scene;
  auto spec = Json::parse(example);
  spec["pools"][0]["template"] = {{"nodeSelector", {{"disk", "fast"}}}};
  scene.apply(spec);
  ASSERT_TRUE(scene.settle());
  spec["pools"][0].erase("template");
  scene.patch_spec({{"pools", spec["pools"]}});
  ASSERT_TRUE(scene.settle());
  auto set = scene.get(kubernetes::stateful_sets, "demo-broker-0");
  EXPECT_TRUE(json_at(set, {"spec", "template", "spec", "nodeSelector"}).empty()) << set.dump(2);
}

TEST(Ensure, DoesNotTakeAnObjectOfSomebodyElse) {
  Scene scene;
  scene.api.put(scene.reference(kubernetes::services, "demo-bootstrap"), {{"spec", {{"selector", {{"app", "web"}}}}}});
  scene.apply();
  for (int i = 0; i < 5; ++i) {
    (void)scene.reconcile_once();
    scene.run_controllers();
  }
  EXPECT_EQ("NameTaken", text_at(scene.condition("NetworkReady"), {"reason"}));
  EXPECT_EQ("web", text_at(scene.get(kubernetes::services, "demo-bootstrap"), {"spec", "selector", "app"}));
  EXPECT_EQ("True", text_at(scene.condition("BrokersReady"), {"status"}));

  scene.api.erase(scene.reference(kubernetes::services, "demo-bootstrap"));
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(scene.is_ready());
}

TEST(Ensure, TakesBackAnObjectThatLostItsLabels) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  scene.api.edit(scene.reference(kubernetes::services, "demo-bootstrap"), {{"metadata", {{"labels", nullptr}}}});
  scene.api.edit(scene.reference(kubernetes::persistent_volume_claims, "demo-broker-0-data"),
                 {{"metadata", {{"labels", nullptr}}}});
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(scene.is_ready()) << scene.status().dump(2);
  EXPECT_EQ("demo", api::label(scene.get(kubernetes::services, "demo-bootstrap"), "millrace.dev/cluster"));
  EXPECT_EQ(
      "0", api::label(scene.get(kubernetes::persistent_volume_claims, "demo-broker-0-data"), "millrace.dev/broker-id"));
}

TEST(Ensure, WaitsForAnObjectThatIsBeingDeleted) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  auto service = scene.reference(kubernetes::services, "demo-bootstrap");
  scene.api.add_finalizer(service, "cloud/load-balancer");
  scene.api.mark_deleted(service);
  EXPECT_TRUE(scene.reconcile_once().failed);
  EXPECT_EQ("Unavailable", text_at(scene.condition("NetworkReady"), {"reason"}));
  scene.api.remove_finalizer(service, "cloud/load-balancer");
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(scene.exists(kubernetes::services, "demo-bootstrap"));
  EXPECT_TRUE(scene.is_ready());
}

TEST(Ensure, MovesATransitionTimeOnlyWithTheCondition) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  auto ready_since = text_at(scene.condition("Ready"), {"lastTransitionTime"});
  auto network_since = text_at(scene.condition("NetworkReady"), {"lastTransitionTime"});
  scene.clock.set_wall_clock(TimestampMs(1'800'000'000'000));
  scene.api.set_status(scene.reference(kubernetes::pods, "demo-broker-0-0"), {{"phase", "Running"}, {"frozen", true}});
  (void)scene.reconcile_once();
  EXPECT_EQ("2027-01-15T08:00:00Z", text_at(scene.condition("Ready"), {"lastTransitionTime"}));
  EXPECT_NE(ready_since, text_at(scene.condition("Ready"), {"lastTransitionTime"}));
  EXPECT_EQ(network_since, text_at(scene.condition("NetworkReady"), {"lastTransitionTime"}));
}

}  // namespace
}  // namespace millrace::reconcile

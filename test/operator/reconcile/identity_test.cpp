// The cluster id and broker ids, through deletion, loss and mix-ups.
#include "operator/reconcile/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/api/json_access.h"
#include "test/operator/reconcile/scene.h"

namespace millrace::reconcile {
namespace {

using Json = nlohmann::json;
using api::json_at;
using api::text_at;

constexpr const char* claim = "demo-broker-0-data";

std::string uid_of_claim(const Scene& scene) {
  return api::object_uid(scene.get(kubernetes::persistent_volume_claims, claim));
}

TEST(Identity, IsTakenUpAgainWithTheClaimsOfADeletedCluster) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  auto cluster_id = scene.cluster_id();
  auto claim_uid = uid_of_claim(scene);

  scene.delete_cluster();
  while (scene.run_controllers()) {
  }
  EXPECT_TRUE(scene.api.all(kubernetes::stateful_sets).empty());
  EXPECT_TRUE(scene.api.all(kubernetes::pods).empty());
  EXPECT_TRUE(scene.api.all(kubernetes::services).empty());
  EXPECT_EQ(claim_uid, uid_of_claim(scene));
  EXPECT_TRUE(scene.exists(kubernetes::config_maps, "demo-founding"))
      << "the founding record lives as long as the claims";

  scene.restart_operator(55);
  scene.apply();
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(scene.is_ready()) << scene.status().dump(2);
  EXPECT_EQ(cluster_id, scene.cluster_id());
  EXPECT_EQ(claim_uid, uid_of_claim(scene));
  EXPECT_TRUE(scene.events.has("ClaimsAdopted", cluster_id));
}

TEST(Identity, InDoubtHidesNoBrokerThatServes) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  auto cluster_id = scene.cluster_id();
  auto before = scene.status()["brokers"];
  scene.api.edit(scene.reference(kubernetes::persistent_volume_claims, claim),
                 {{"metadata", {{"labels", {{"millrace.dev/cluster-id", "another"}}}}}});
  scene.api.forget_writes();
  for (int round = 0; round < 3; ++round) (void)scene.reconcile_once();
  EXPECT_EQ("ClusterIdConflict", text_at(scene.condition("IdentityReady"), {"reason"}));
  EXPECT_EQ(before, scene.status()["brokers"]);
  EXPECT_EQ("1/1", scene.status()["brokersReady"]);
  EXPECT_EQ("True", text_at(scene.condition("BrokersReady"), {"status"}));
  EXPECT_EQ(cluster_id, scene.cluster_id());
  EXPECT_FALSE(scene.is_ready());
  for (const auto& write : scene.api.writes()) EXPECT_EQ("patch KafkaCluster default/demo", write);
}

TEST(Identity, IsTakenUpAgainBeforeTheOldObjectsAreGone) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  auto cluster_id = scene.cluster_id();
  scene.delete_cluster();
  scene.apply();
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(scene.is_ready()) << scene.status().dump(2);
  EXPECT_EQ(cluster_id, scene.cluster_id());
  auto uid = api::object_uid(scene.get(kafka_clusters, "demo"));
  EXPECT_TRUE(api::is_owned_by(scene.get(kubernetes::stateful_sets, "demo-broker-0"), uid));
}

TEST(Identity, GoesWithTheLastClaim) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  auto cluster_id = scene.cluster_id();
  scene.delete_cluster();
  while (scene.run_controllers()) {
  }
  scene.api.mark_deleted(scene.reference(kubernetes::persistent_volume_claims, claim));
  while (scene.run_controllers()) {
  }
  EXPECT_FALSE(scene.exists(kubernetes::config_maps, "demo-founding"));
  scene.restart_operator(56);
  scene.apply();
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(scene.is_ready());
  EXPECT_NE(cluster_id, scene.cluster_id());
}

TEST(Identity, OfANewClusterWaitsUntilTheDeletedClaimsOfItsNamesakeAreGone) {
  Scene scene;
  auto spec = Json::parse(example);
  spec["pools"][0]["storage"]["deleteClaim"] = true;
  scene.apply(spec);
  ASSERT_TRUE(scene.settle());
  auto cluster_id = scene.cluster_id();
  auto claim_uid = uid_of_claim(scene);
  scene.delete_cluster();
  scene.restart_operator(57);
  scene.apply(spec);
  auto result = scene.reconcile_once();
  EXPECT_TRUE(result.look_again);
  EXPECT_EQ("WaitingForDeletion", text_at(scene.condition("IdentityReady"), {"reason"}));
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(scene.is_ready()) << scene.status().dump(2);
  EXPECT_NE(cluster_id, scene.cluster_id());
  EXPECT_NE(claim_uid, uid_of_claim(scene));
}

TEST(Identity, IsReadFromTheClaimsWhenTheRecordIsLost) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  auto cluster_id = scene.cluster_id();
  scene.api.erase(scene.reference(kubernetes::config_maps, "demo-founding"));
  scene.restart_operator(58);
  ASSERT_TRUE(scene.settle());
  EXPECT_EQ(cluster_id, scene.cluster_id());
  EXPECT_EQ(cluster_id, text_at(scene.get(kubernetes::config_maps, "demo-founding"), {"data", "clusterId"}));
  EXPECT_TRUE(scene.is_ready());
}

TEST(Identity, IsNeverMadeAgainForAClusterThatHadOne) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  auto cluster_id = scene.cluster_id();
  scene.api.erase(scene.reference(kubernetes::config_maps, "demo-founding"));
  scene.api.erase(scene.reference(kubernetes::persistent_volume_claims, claim));
  ASSERT_TRUE(scene.settle());
  EXPECT_EQ("FoundingRecordLost", text_at(scene.condition("IdentityReady"), {"reason"}));
  EXPECT_EQ(cluster_id, scene.cluster_id());
  EXPECT_FALSE(scene.exists(kubernetes::persistent_volume_claims, claim));
  EXPECT_FALSE(scene.exists(kubernetes::config_maps, "demo-founding"));
  EXPECT_FALSE(scene.is_ready());
}

TEST(Identity, RefusesAClaimOfAnotherCluster) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  scene.api.edit(scene.reference(kubernetes::persistent_volume_claims, claim),
                 {{"metadata", {{"labels", {{"millrace.dev/cluster-id", "AAAAAAAAAAAAAAAAAAAAAA"}}}}}});
  ASSERT_TRUE(scene.settle());
  EXPECT_EQ("ClusterIdConflict", text_at(scene.condition("IdentityReady"), {"reason"}));
  EXPECT_EQ("AAAAAAAAAAAAAAAAAAAAAA",
            api::label(scene.get(kubernetes::persistent_volume_claims, claim), "millrace.dev/cluster-id"));
}

TEST(Identity, AsksForThePoolThatTheClaimsBelongTo) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  scene.delete_cluster();
  while (scene.run_controllers()) {
  }
  auto spec = Json::parse(example);
  spec["pools"][0]["name"] = "other";
  scene.apply(spec);
  ASSERT_TRUE(scene.settle());
  EXPECT_EQ("PoolMissing", text_at(scene.condition("IdentityReady"), {"reason"}));
  EXPECT_EQ(1U, scene.api.all(kubernetes::persistent_volume_claims).size()) << "no second, empty broker";
}

TEST(Identity, SaysWhatIsWrongWithARecordThatCannotBeRead) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  scene.api.edit(scene.reference(kubernetes::config_maps, "demo-founding"), {{"data", {{"brokers", "{\"x\":1}"}}}});
  ASSERT_TRUE(scene.settle());
  EXPECT_EQ("FoundingRecordUnreadable", text_at(scene.condition("IdentityReady"), {"reason"}));
  EXPECT_THAT(text_at(scene.condition("IdentityReady"), {"message"}), testing::HasSubstr("'x' is not a broker id"));
  EXPECT_EQ("True", text_at(scene.condition("NetworkReady"), {"status"})) << "the running broker keeps its services";
}

TEST(Identity, GivesTheLowestIdOfThePoolsRange) {
  Scene scene;
  auto spec = Json::parse(example);
  spec["pools"][0]["idRange"] = {{"start", 100}, {"end", 199}};
  scene.apply(spec);
  ASSERT_TRUE(scene.settle());
  EXPECT_EQ(100, scene.status()["brokers"][0]["id"]);
  EXPECT_TRUE(scene.exists(kubernetes::persistent_volume_claims, "demo-broker-100-data"));
}

TEST(Identity, SurvivesAnOrphaningDeletion) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  auto cluster_id = scene.cluster_id();
  auto pod = api::object_uid(scene.get(kubernetes::pods, "demo-broker-0-0"));
  // kubectl delete --cascade=orphan: the garbage collector takes the owner references away and leaves the objects.
  for (const auto& type : {kubernetes::config_maps, kubernetes::stateful_sets, kubernetes::services,
                           kubernetes::service_accounts, kubernetes::pod_disruption_budgets}) {
    for (const auto& object : scene.api.all(type)) {
      scene.api.edit(scene.reference(type, api::object_name(object)), {{"metadata", {{"ownerReferences", nullptr}}}});
    }
  }
  scene.api.erase(scene.reference(kafka_clusters, "demo"));
  scene.apply();
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(scene.is_ready()) << scene.status().dump(2);
  EXPECT_EQ(cluster_id, scene.cluster_id());
  EXPECT_EQ(pod, api::object_uid(scene.get(kubernetes::pods, "demo-broker-0-0")))
      << "the running broker was not restarted";
  const Json all = scene.snapshot();
  for (const auto& [name, object] : all.items()) {
    if (!name.starts_with("PersistentVolumeClaim/")) {
      EXPECT_FALSE(json_at(object, {"metadata", "ownerReferences"}).empty()) << name;
    }
  }
}

}  // namespace
}  // namespace millrace::reconcile

#include "operator/reconcile/volumes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/api/json_access.h"
#include "test/operator/reconcile/scene.h"

namespace millrace::reconcile {
namespace {

using Json = nlohmann::json;
using api::json_at;
using api::text_at;
using testing::HasSubstr;

constexpr const char* claim_name = "demo-broker-0-data";

Json claim(const Scene& scene) { return scene.get(kubernetes::persistent_volume_claims, claim_name); }

Json pools_with(const Json& volume) {
  auto spec = Json::parse(example);
  spec["pools"][0]["storage"]["volumes"][0].update(volume);
  return spec;
}

TEST(Volumes, CarryTheIdentityOfTheirBroker) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  auto labels = json_at(claim(scene), {"metadata", "labels"});
  EXPECT_EQ("demo", labels["millrace.dev/cluster"]);
  EXPECT_EQ("brokers", labels["millrace.dev/pool"]);
  EXPECT_EQ("0", labels["millrace.dev/broker-id"]);
  EXPECT_EQ(Json(scene.cluster_id()), labels["millrace.dev/cluster-id"]);
  EXPECT_TRUE(json_at(claim(scene), {"metadata", "ownerReferences"}).empty());
}

TEST(Volumes, OfAStartedBrokerAreNeverMadeAgain) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  scene.api.erase(scene.reference(kubernetes::persistent_volume_claims, claim_name));
  scene.api.erase(scene.reference(kubernetes::pods, "demo-broker-0-0"));
  scene.restart_operator(77);
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(claim(scene).is_null());
  EXPECT_EQ("VolumeMissing", text_at(scene.condition("VolumesReady"), {"reason"}));
  EXPECT_THAT(text_at(scene.condition("VolumesReady"), {"message"}), HasSubstr(claim_name));
  EXPECT_EQ("Pending", scene.status()["brokers"][0]["state"]);
  EXPECT_THAT(scene.status()["brokers"][0]["message"].get<std::string>(), HasSubstr("missing"));
  EXPECT_TRUE(scene.events.has("VolumeMissing", claim_name));
  EXPECT_TRUE(scene.exists(kubernetes::stateful_sets, "demo-broker-0"));

  // Restored from a backup: the broker goes on.
  scene.api.put(scene.reference(kubernetes::persistent_volume_claims, claim_name),
                {{"spec", {{"accessModes", {"ReadWriteOnce"}}, {"resources", {{"requests", {{"storage", "5Gi"}}}}}}}});
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(scene.is_ready()) << scene.status().dump(2);
  EXPECT_EQ(scene.cluster_id(), api::label(claim(scene), "millrace.dev/cluster-id"));
}

TEST(Volumes, AreDeletedWithTheClusterOnlyWhereItSaysSo) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  auto uid = api::object_uid(scene.get(kafka_clusters, "demo"));
  auto with = [](bool value) {
    auto pools = Json::parse(example)["pools"];
    pools[0]["storage"]["deleteClaim"] = value;
    return Json{{"pools", pools}};
  };
  scene.patch_spec(with(true));
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(api::is_owned_by(claim(scene), uid));
  scene.patch_spec(with(false));
  ASSERT_TRUE(scene.settle());
  EXPECT_FALSE(api::is_owned_by(claim(scene), uid));
  scene.patch_spec(with(true));
  ASSERT_TRUE(scene.settle());
  scene.delete_cluster();
  while (scene.run_controllers()) {
  }
  const Json all = scene.snapshot();
  for (const auto& [name, object] : all.items()) ADD_FAILURE() << name << " is left";
}

TEST(Volumes, KeepTheOwnersThatOthersGaveThem) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  scene.api.put(scene.reference(kubernetes::config_maps, "backup"), {{"data", Json::object()}});
  auto backup = api::object_uid(scene.get(kubernetes::config_maps, "backup"));
  scene.api.edit(
      scene.reference(kubernetes::persistent_volume_claims, claim_name),
      {{"metadata",
        {{"ownerReferences", Json::array({{{"kind", "ConfigMap"}, {"name", "backup"}, {"uid", backup}}})}}}});
  auto pools = Json::parse(example)["pools"];
  pools[0]["storage"]["deleteClaim"] = true;
  scene.patch_spec({{"pools", pools}});
  ASSERT_TRUE(scene.settle());
  EXPECT_EQ(2U, json_at(claim(scene), {"metadata", "ownerReferences"}).size());
  EXPECT_TRUE(api::is_owned_by(claim(scene), backup));
}

TEST(Volumes, GrowWhereTheStorageClassAllowsIt) {
  Scene scene;
  scene.apply(pools_with({{"storageClass", "expandable"}}));
  ASSERT_TRUE(scene.settle());
  scene.patch_spec(pools_with({{"storageClass", "expandable"}, {"size", "8Gi"}}));
  (void)scene.reconcile_once();
  EXPECT_EQ("8Gi", text_at(claim(scene), {"spec", "resources", "requests", "storage"}));
  EXPECT_EQ("VolumeGrowing", text_at(scene.condition("VolumesReady"), {"reason"}));
  EXPECT_TRUE(scene.events.has("VolumeGrowing", "from 5Gi to 8Gi"));
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(scene.is_ready());
  EXPECT_EQ(1U, scene.api.all(kubernetes::pods).size());
}

TEST(Volumes, SayWhyTheyCannotGrow) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  scene.patch_spec(pools_with({{"size", "8Gi"}}));
  ASSERT_TRUE(scene.settle());
  EXPECT_EQ("VolumeCannotGrow", text_at(scene.condition("VolumesReady"), {"reason"}));
  EXPECT_THAT(text_at(scene.condition("VolumesReady"), {"message"}), HasSubstr("storage class standard"));
  EXPECT_EQ("5Gi", text_at(claim(scene), {"spec", "resources", "requests", "storage"}));
  EXPECT_EQ("True", text_at(scene.condition("BrokersReady"), {"status"})) << "the broker serves all the same";
}

TEST(Volumes, SayThatTheOperatorMayNotReadStorageClasses) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  scene.patch_spec(pools_with({{"size", "8Gi"}}));
  scene.api.before_read = [](const auto& reference) -> std::optional<Error> {
    if (reference.type != kubernetes::storage_classes) return std::nullopt;
    return Error{ErrorKind::permission_denied, "storageclasses.storage.k8s.io is forbidden"};
  };
  (void)scene.reconcile_once();
  EXPECT_EQ("StorageClassUnreadable", text_at(scene.condition("VolumesReady"), {"reason"}));
}

TEST(Volumes, NeverShrink) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  scene.delete_cluster();
  scene.apply(pools_with({{"size", "1Gi"}}));
  ASSERT_TRUE(scene.settle());
  EXPECT_EQ("VolumeCannotShrink", text_at(scene.condition("VolumesReady"), {"reason"}));
  EXPECT_EQ("5Gi", text_at(claim(scene), {"spec", "resources", "requests", "storage"}));
}

TEST(Volumes, WhoseSizeCannotBeReachedGoBackToTheSizeThatTheyHave) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  scene.patch_spec(pools_with({{"size", "5Ti"}}));
  ASSERT_TRUE(scene.settle());
  EXPECT_EQ("VolumeCannotGrow", text_at(scene.condition("VolumesReady"), {"reason"}));
  scene.patch_spec(pools_with({{"size", "5Gi"}}));
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(scene.is_ready()) << scene.status().dump(2);
}

TEST(Volumes, TheFailureOfTheRecordHidesNoBroker) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  // The claim's owner goes into the record, whose write fails.
  scene.api.erase(scene.reference(kubernetes::config_maps, "demo-founding"));
  scene.api.before_write = [](const auto& write) -> std::optional<Error> {
    if (write.reference.name != "demo-founding") return std::nullopt;
    return Error{ErrorKind::unavailable, "etcd has no leader"};
  };
  EXPECT_TRUE(scene.reconcile_once().failed);
  EXPECT_EQ("1/1", scene.status()["brokersReady"]);
  EXPECT_EQ(1U, scene.status()["brokers"].size());
}

TEST(Volumes, TakeASizeInAnotherSpellingForTheSame) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  scene.patch_spec(pools_with({{"size", "5120Mi"}}));
  scene.api.forget_writes();
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(scene.is_ready());
  for (const auto& write : scene.api.writes()) EXPECT_EQ("patch KafkaCluster default/demo", write);
}

TEST(Volumes, NameTheStorageClassesThereAreWhenTheirsIsMissing) {
  Scene scene;
  scene.apply(pools_with({{"storageClass", "fast"}}));
  for (int i = 0; i < 5; ++i) {
    (void)scene.reconcile_once();
    scene.run_controllers();
  }
  EXPECT_EQ("StorageClassMissing", text_at(scene.condition("VolumesReady"), {"reason"}));
  EXPECT_THAT(text_at(scene.condition("VolumesReady"), {"message"}), HasSubstr("expandable, standard"));
}

TEST(Volumes, OfAnotherOwnerAreNotTouched) {
  Scene scene;
  scene.api.put(scene.reference(kubernetes::persistent_volume_claims, claim_name),
                {{"metadata", {{"labels", {{"app", "database"}}}}}, {"spec", {{"accessModes", {"ReadWriteOnce"}}}}});
  scene.apply();
  for (int i = 0; i < 3; ++i) (void)scene.reconcile_once();
  EXPECT_EQ("NameTaken", text_at(scene.condition("VolumesReady"), {"reason"}));
  EXPECT_EQ("", api::label(claim(scene), "millrace.dev/cluster"));
  EXPECT_FALSE(scene.exists(kubernetes::stateful_sets, "demo-broker-0"));
}

TEST(Volumes, ThatSomebodyDeletedAreReportedWhileTheirPodHoldsThem) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  scene.api.mark_deleted(scene.reference(kubernetes::persistent_volume_claims, claim_name));
  ASSERT_TRUE(scene.settle());
  EXPECT_EQ("VolumeTerminating", text_at(scene.condition("VolumesReady"), {"reason"}));
  EXPECT_EQ("True", text_at(scene.condition("BrokersReady"), {"status"}));
  EXPECT_EQ("True", text_at(scene.condition("IdentityReady"), {"status"}));
}

}  // namespace
}  // namespace millrace::reconcile

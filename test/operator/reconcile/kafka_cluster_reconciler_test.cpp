// The whole reconciliation of one cluster: what it makes, that it then rests, and that it survives being stopped at
// every write.
#include "operator/reconcile/kafka_cluster_reconciler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>

#include "operator/api/json_access.h"
#include "test/operator/reconcile/scene.h"

namespace millrace::reconcile {
namespace {

using Json = nlohmann::json;
using api::json_at;
using api::text_at;
using testing::IsEmpty;

// Names of ConfigMaps and hashes of templates hold the random cluster id.
Json without_id(Json snapshot, const std::string& cluster_id) {
  Json plain = Json::object();
  auto text = snapshot.dump();
  for (auto at = text.find(cluster_id); at != std::string::npos; at = text.find(cluster_id))
    text.replace(at, cluster_id.size(), "ID");
  Json replaced = Json::parse(text);
  for (auto& [name, object] : replaced.items()) {
    bool of_broker = name.starts_with("ConfigMap/demo-broker-0-");
    auto hash = of_broker ? name.substr(name.rfind('-') + 1) : std::string();
    auto& annotations = object["metadata"]["annotations"];
    if (annotations.is_object()) {
      for (const char* hashed : {"millrace.dev/applied-hash", "millrace.dev/template-hash"}) annotations.erase(hashed);
    }
    if (of_broker) object["metadata"]["name"] = "HASH";
    if (name.starts_with("StatefulSet/"))
      object["spec"]["template"]["spec"]["volumes"][0]["configMap"]["name"] = "HASH";
    plain[of_broker ? "ConfigMap/HASH" : name] = object;
  }
  return plain;
}

Json undisturbed() {
  Scene scene;
  scene.apply();
  EXPECT_TRUE(scene.settle());
  return without_id(scene.snapshot(), scene.cluster_id());
}

TEST(KafkaClusterReconciler, MakesEverythingAndReportsReady) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(scene.is_ready()) << scene.status().dump(2);
  for (const char* aspect : {"ConfigValid", "IdentityReady", "VolumesReady", "NetworkReady", "ProtectionReady",
                             "BrokersReady", "UpToDate"}) {
    EXPECT_EQ("True", text_at(scene.condition(aspect), {"status"})) << aspect;
  }
  auto status = scene.status();
  EXPECT_EQ(22U, scene.cluster_id().size());
  EXPECT_EQ(json_at(scene.get(kafka_clusters, "demo"), {"metadata", "generation"}), status["observedGeneration"]);
  EXPECT_EQ("1/1", status["brokersReady"]);
  EXPECT_EQ("1.0", status["version"]);
  EXPECT_EQ("demo-bootstrap.default.svc.cluster.local:9092", status["listeners"][0]["bootstrapServers"]);
  const Json& broker = status["brokers"][0];
  EXPECT_EQ(0, broker["id"]);
  EXPECT_EQ("demo-broker-0-0", broker["pod"]);
  EXPECT_EQ("node-1", broker["node"]);
  EXPECT_EQ("Running", broker["state"]);
  EXPECT_EQ(Json::array({"demo-broker-0-data"}), broker["claims"]);
}

TEST(KafkaClusterReconciler, WritesNothingWhenAllIsAsItShouldBe) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  scene.api.forget_writes();
  auto told = scene.events.events.size();
  for (int i = 0; i < 3; ++i) {
    scene.clock.advance(std::chrono::minutes(10));
    auto result = scene.reconcile_once();
    EXPECT_FALSE(result.failed) << result.why;
    EXPECT_FALSE(result.look_again);
  }
  scene.restart_operator(7);
  EXPECT_FALSE(scene.reconcile_once().failed);
  EXPECT_THAT(scene.api.writes(), IsEmpty());
  EXPECT_EQ(told, scene.events.events.size());
}

TEST(KafkaClusterReconciler, KilledAfterAnyWriteGoesOnToTheSameObjects) {
  const Json expected = undisturbed();
  std::size_t kill_after = 0;
  for (bool killed = true; killed; ++kill_after) {
    ASSERT_LT(kill_after, 100U);
    Scene scene(100 + kill_after);
    scene.apply();
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
    auto founding = scene.get(kubernetes::config_maps, "demo-founding");
    scene.api.before_write = nullptr;
    scene.restart_operator(900 + kill_after);
    ASSERT_TRUE(scene.settle()) << "killed after write " << kill_after;
    EXPECT_TRUE(scene.is_ready()) << "killed after write " << kill_after << scene.status().dump(2);
    EXPECT_EQ(expected, without_id(scene.snapshot(), scene.cluster_id())) << "killed after write " << kill_after;
    if (!founding.is_null()) {
      EXPECT_EQ(text_at(founding, {"data", "clusterId"}), scene.cluster_id());
    }
  }
  EXPECT_GT(kill_after, 10U) << "every write of a first reconcile was to be the last one once";
}

TEST(KafkaClusterReconciler, SurvivesTheLossOfTheAnswerToAnyWrite) {
  const Json expected = undisturbed();
  bool lost = true;
  for (std::size_t victim = 0; lost; ++victim) {
    ASSERT_LT(victim, 100U);
    Scene scene(200 + victim);
    scene.apply();
    lost = false;
    std::size_t seen = 0;
    scene.api.after_write = [&](const auto&) -> std::optional<Error> {
      if (seen++ != victim) return std::nullopt;
      lost = true;
      return Error{ErrorKind::timed_out, "no answer came"};
    };
    ASSERT_TRUE(scene.settle()) << "answer " << victim;
    EXPECT_TRUE(scene.is_ready()) << "answer " << victim;
    EXPECT_EQ(expected, without_id(scene.snapshot(), scene.cluster_id())) << "answer " << victim;
  }
}

class RefusedWrite : public testing::TestWithParam<ErrorKind> {};

TEST_P(RefusedWrite, IsTriedAgainUntilItSucceeds) {
  const Json expected = undisturbed();
  bool refused = true;
  for (std::size_t victim = 0; refused; ++victim) {
    ASSERT_LT(victim, 100U);
    Scene scene(300 + victim);
    scene.apply();
    refused = false;
    std::size_t seen = 0;
    scene.api.before_write = [&](const auto&) -> std::optional<Error> {
      if (seen++ != victim) return std::nullopt;
      refused = true;
      return Error{GetParam(), "refused by the test"};
    };
    ASSERT_TRUE(scene.settle()) << "write " << victim;
    EXPECT_TRUE(scene.is_ready()) << "write " << victim;
    EXPECT_EQ(expected, without_id(scene.snapshot(), scene.cluster_id())) << "write " << victim;
  }
}

INSTANTIATE_TEST_SUITE_P(KafkaClusterReconciler, RefusedWrite,
                         testing::Values(ErrorKind::version_mismatch, ErrorKind::unavailable, ErrorKind::conflict,
                                         ErrorKind::timed_out, ErrorKind::connection_loss),
                         [](const auto& parameter) {
                           std::string name(to_string(parameter.param));
                           std::erase_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
                           return name;
                         });

TEST(KafkaClusterReconciler, LeavesOtherAspectsTheirWorkWhenOneFails) {
  Scene scene;
  scene.apply();
  scene.api.before_write = [](const auto& write) -> std::optional<Error> {
    if (write.reference.type == kubernetes::services)
      return Error{ErrorKind::permission_denied, "services is forbidden"};
    return std::nullopt;
  };
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(scene.reconcile_once().failed);
    scene.run_controllers();
  }
  EXPECT_EQ("False", text_at(scene.condition("NetworkReady"), {"status"}));
  EXPECT_EQ("PermissionDenied", text_at(scene.condition("NetworkReady"), {"reason"}));
  EXPECT_EQ("True", text_at(scene.condition("BrokersReady"), {"status"}));
  EXPECT_EQ("True", text_at(scene.condition("ProtectionReady"), {"status"}));
  EXPECT_FALSE(scene.is_ready());
  EXPECT_EQ("PermissionDenied", text_at(scene.condition("Ready"), {"reason"}));
}

TEST(KafkaClusterReconciler, BacksOffWhenItCannotRead) {
  Scene scene;
  scene.apply();
  scene.api.before_read = [](const auto& reference) -> std::optional<Error> {
    if (reference.type == kubernetes::pods) return Error{ErrorKind::unavailable, "503"};
    return std::nullopt;
  };
  EXPECT_TRUE(scene.reconcile_once().failed);
  EXPECT_THAT(scene.api.writes(), IsEmpty());
}

TEST(KafkaClusterReconciler, DoesNothingForAClusterThatIsGoneOrGoing) {
  Scene scene;
  EXPECT_FALSE(scene.reconcile_once().failed);
  scene.apply();
  scene.api.add_finalizer(scene.reference(kafka_clusters, "demo"), "foregroundDeletion");
  scene.delete_cluster();
  EXPECT_FALSE(scene.reconcile_once().failed);
  EXPECT_THAT(scene.api.writes(), IsEmpty());
}

TEST(KafkaClusterReconciler, PutsNoFinalizerOnTheClusterAndNoneOfItsLabelsOnChildren) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(json_at(scene.get(kafka_clusters, "demo"), {"metadata", "finalizers"}).empty());
  const Json all = scene.snapshot();
  for (const auto& [name, object] : all.items()) {
    EXPECT_EQ("", api::label(object, "team")) << name;
    EXPECT_EQ("", api::annotation(object, "tool")) << name;
    EXPECT_EQ("demo", api::label(object, "millrace.dev/cluster")) << name;
  }
}

TEST(KafkaClusterReconciler, ChangesNothingOfAPausedClusterAndStillReportsIt) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  scene.patch_spec({{"paused", true}, {"config", {{"num.partitions", 3}}}});
  scene.api.erase(scene.reference(kubernetes::services, "demo-bootstrap"));
  scene.api.set_status(scene.reference(kubernetes::pods, "demo-broker-0-0"), {{"phase", "Running"}, {"frozen", true}});
  scene.api.forget_writes();
  ASSERT_TRUE(scene.settle());
  for (const auto& write : scene.api.writes()) EXPECT_EQ("patch KafkaCluster default/demo", write);
  EXPECT_EQ("0/1", scene.status()["brokersReady"]);
  EXPECT_EQ("True", text_at(scene.condition("Paused"), {"status"}));
  EXPECT_EQ("False", text_at(scene.condition("BrokersReady"), {"status"}));
  EXPECT_EQ(22U, scene.cluster_id().size());

  scene.api.set_status(scene.reference(kubernetes::pods, "demo-broker-0-0"), {});
  scene.patch_spec({{"paused", false}});
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(scene.is_ready());
  EXPECT_TRUE(scene.condition("Paused").is_null());
  EXPECT_TRUE(scene.exists(kubernetes::services, "demo-bootstrap"));
}

TEST(KafkaClusterReconciler, RefusesToActWithAnOlderResourceDefinition) {
  Scene scene;
  scene.apply();
  scene.schema_refusal = problem("ResourceDefinitionOutdated",
                                 "CustomResourceDefinition kafkaclusters.millrace.dev has schema version 0; bring it "
                                 "with: kubectl apply",
                                 std::chrono::minutes(1));
  auto result = scene.reconcile_once();
  EXPECT_TRUE(result.look_again);
  EXPECT_EQ(std::vector<std::string>{"patch KafkaCluster default/demo"}, scene.api.writes());
  EXPECT_EQ("ResourceDefinitionOutdated", text_at(scene.condition("Ready"), {"reason"}));
  EXPECT_THAT(text_at(scene.condition("Ready"), {"message"}), testing::HasSubstr("kubectl apply"));
  scene.api.forget_writes();
  (void)scene.reconcile_once();
  EXPECT_THAT(scene.api.writes(), IsEmpty());

  scene.schema_refusal.reset();
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(scene.is_ready());
}

TEST(KafkaClusterReconciler, WritesNothingWhileTheAgeOfTheResourceDefinitionIsNotKnown) {
  Scene scene;
  scene.apply();
  scene.schema_refusal = failed({ErrorKind::unavailable, "no answer"});
  scene.schema_refusal->look_again = std::chrono::seconds(5);
  auto result = scene.reconcile_once();
  EXPECT_TRUE(result.failed);
  EXPECT_EQ(std::chrono::seconds(5), result.look_again);
  EXPECT_THAT(scene.api.writes(), IsEmpty());
}

TEST(KafkaClusterReconciler, IsNotReadyForAGenerationThatItCouldNotApply) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  scene.patch_spec({{"listeners", Json::array({{{"name", "internal"}, {"port", 9095}}})}});
  scene.api.before_write = [](const auto& write) -> std::optional<Error> {
    if (write.reference.type != kubernetes::services) return std::nullopt;
    return Error{ErrorKind::version_mismatch, "the object has been modified"};
  };
  EXPECT_TRUE(scene.reconcile_once().failed);
  auto generation = json_at(scene.get(kafka_clusters, "demo"), {"metadata", "generation"});
  auto network = scene.condition("NetworkReady");
  EXPECT_EQ("Unknown", text_at(network, {"status"}));
  EXPECT_EQ("Reconciling", text_at(network, {"reason"}));
  EXPECT_EQ(generation, network["observedGeneration"]);
  EXPECT_FALSE(scene.is_ready());

  // Of a generation that was applied once, what was said stays.
  scene.api.before_write = nullptr;
  ASSERT_TRUE(scene.settle());
  ASSERT_TRUE(scene.is_ready());
  scene.api.before_read = [](const auto& reference) -> std::optional<Error> {
    if (reference.name != "demo-bootstrap") return std::nullopt;
    return Error{ErrorKind::version_mismatch, "the object has been modified"};
  };
  scene.api.erase(scene.reference(kubernetes::services, "demo-bootstrap"));
  EXPECT_TRUE(scene.reconcile_once().failed);
  EXPECT_TRUE(scene.is_ready());
}

TEST(KafkaClusterReconciler, SpeaksOfAPausedClusterAsOfTheGenerationThatItApplied) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  auto applied = scene.condition("Ready")["observedGeneration"];
  scene.patch_spec({{"paused", true}, {"config", {{"num.partitions", 3}}}});
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(scene.is_ready());
  EXPECT_EQ(applied, scene.condition("Ready")["observedGeneration"]);
}

TEST(KafkaClusterReconciler, RecognisesThatTheNodeOfABrokerIsDead) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  // What the node controller does: the node first, then its pods. Their containers' states stay as they were.
  scene.set_node_ready("Unknown");
  scene.api.set_status(
      scene.reference(kubernetes::pods, "demo-broker-0-0"),
      {{"phase", "Running"},
       {"frozen", true},
       {"conditions", Json::array({{{"type", "Ready"}, {"status", "False"}}})},
       {"containerStatuses", Json::array({{{"ready", true}, {"state", {{"running", Json::object()}}}}})}});
  auto result = scene.reconcile_once();
  EXPECT_EQ("Unreachable", scene.status()["brokers"][0]["state"]);
  EXPECT_EQ("BrokerUnreachable", text_at(scene.condition("BrokersReady"), {"reason"}));
  EXPECT_THAT(text_at(scene.condition("BrokersReady"), {"message"}), testing::HasSubstr("node-1 does not answer"));
  EXPECT_TRUE(result.look_again) << "nothing may announce what becomes of the node";

  // Without the right to read nodes it is not known; that keeps nothing from being reconciled.
  scene.api.before_read = [](const auto& reference) -> std::optional<Error> {
    if (reference.type != kubernetes::nodes) return std::nullopt;
    return Error{ErrorKind::permission_denied, "nodes is forbidden"};
  };
  EXPECT_FALSE(scene.reconcile_once().failed);
  EXPECT_EQ("Starting", scene.status()["brokers"][0]["state"]);
}

TEST(KafkaClusterReconciler, SaysWhichFieldOfASpecItCannotRead) {
  Scene scene;
  auto spec = Json::parse(example);
  spec["pools"][0]["replicas"] = "some";
  scene.apply(spec);
  EXPECT_FALSE(scene.reconcile_once().failed);
  EXPECT_EQ("SpecInvalid", text_at(scene.condition("Ready"), {"reason"}));
  EXPECT_THAT(text_at(scene.condition("Ready"), {"message"}), testing::HasSubstr("spec.pools[0].replicas"));
  EXPECT_TRUE(scene.events.has("SpecInvalid"));
}

TEST(KafkaClusterReconciler, TellsWhatItDoesInSentences) {
  Scene scene;
  scene.apply();
  ASSERT_TRUE(scene.settle());
  EXPECT_TRUE(scene.events.has("Founded", scene.cluster_id()));
  EXPECT_TRUE(scene.events.has("ClaimCreated", "demo-broker-0-data"));
  EXPECT_TRUE(scene.events.has("BrokerCreated", "broker 0"));
  EXPECT_TRUE(scene.events.has("Running"));
  for (const auto& event : scene.events.events) {
    EXPECT_LE(event.note.size(), 1024U);
    EXPECT_FALSE(event.note.empty());
    EXPECT_FALSE(event.action.empty());
    EXPECT_TRUE(std::isupper(static_cast<unsigned char>(event.reason.front())) != 0) << event.reason;
    EXPECT_EQ(std::string::npos, event.reason.find(' ')) << event.reason;
  }
}

}  // namespace
}  // namespace millrace::reconcile

#include "operator/resources/pod_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/resources/labels.h"
#include "operator/resources/pod_resources.h"
#include "operator/resources/stateful_set.h"
#include "test/operator/resources/broker_scene.h"

namespace millrace::resources {
namespace {

using Json = nlohmann::json;

Json pod_spec(const Json& spec = Json::object()) { return pod_template(BrokerScene(spec).broker())["spec"]; }

Json pool_with(const Json& more) {
  Json pool = {{"name", "brokers"}, {"storage", {{"volumes", {{{"size", "5Gi"}}}}}}};
  pool.update(more);
  return {{"pools", Json::array({pool})}};
}

// kubernetes.io/docs/concepts/security/pod-security-standards, profile "restricted".
TEST(PodTemplate, MeetsTheRestrictedProfile) {
  auto spec = pod_spec();
  EXPECT_EQ(true, spec["securityContext"]["runAsNonRoot"]);
  EXPECT_EQ(10001, spec["securityContext"]["runAsUser"]);
  EXPECT_EQ("RuntimeDefault", spec["securityContext"]["seccompProfile"]["type"]);
  const auto& container = spec["containers"][0];
  EXPECT_EQ(false, container["securityContext"]["allowPrivilegeEscalation"]);
  EXPECT_EQ(true, container["securityContext"]["readOnlyRootFilesystem"]);
  EXPECT_EQ(Json::array({"ALL"}), container["securityContext"]["capabilities"]["drop"]);
  for (const auto& volume : spec["volumes"])
    EXPECT_TRUE(volume.contains("configMap") || volume.contains("persistentVolumeClaim"));
  for (const char* forbidden : {"hostNetwork", "hostPID", "hostIPC"}) EXPECT_FALSE(spec.contains(forbidden));
}

TEST(PodTemplate, KeepsThePodFromTheKubernetesApi) {
  auto spec = pod_spec();
  EXPECT_EQ(false, spec["automountServiceAccountToken"]);
  EXPECT_EQ(false, spec["enableServiceLinks"]);
  EXPECT_EQ("demo-brokers", spec["serviceAccountName"]);
}

TEST(PodTemplate, GivesFilesToTheGroupOnlyWhereTheyAreNotItsOwn) {
  auto security = pod_spec()["securityContext"];
  EXPECT_EQ(10001, security["fsGroup"]);
  EXPECT_EQ("OnRootMismatch", security["fsGroupChangePolicy"]);
}

TEST(PodTemplate, ProbesTheHttpPortAndGivesTimeToStop) {
  auto spec = pod_spec();
  const auto& container = spec["containers"][0];
  EXPECT_EQ("/livez", container["livenessProbe"]["httpGet"]["path"]);
  EXPECT_EQ("/readyz", container["readinessProbe"]["httpGet"]["path"]);
  EXPECT_EQ("http", container["readinessProbe"]["httpGet"]["port"]);
  EXPECT_EQ((Json{{"name", "http"}, {"containerPort", 9404}, {"protocol", "TCP"}}), container["ports"].back());
  EXPECT_EQ(300, spec["terminationGracePeriodSeconds"]);
  EXPECT_FALSE(container.contains("lifecycle"));
  EXPECT_EQ("FallbackToLogsOnError", container["terminationMessagePolicy"]);
}

TEST(PodTemplate, MountsTheClaimByNameAndTheConfigurationByItsContent) {
  auto spec = pod_spec();
  EXPECT_EQ("demo-broker-0-data", spec["volumes"][1]["persistentVolumeClaim"]["claimName"]);
  EXPECT_THAT(spec["volumes"][0]["configMap"]["name"].get<std::string>(),
              testing::MatchesRegex("demo-broker-0-[0-9a-f]{12}"));
  EXPECT_EQ("/var/lib/millrace/data", spec["containers"][0]["volumeMounts"][1]["mountPath"]);
  EXPECT_EQ(Json::array({"/etc/millrace/server.properties"}), spec["containers"][0]["args"]);
  EXPECT_FALSE(spec["containers"][0].contains("command"));
}

TEST(PodTemplate, PrefersToStandAlone) {
  auto spec = pod_spec();
  EXPECT_TRUE(spec["affinity"]["podAntiAffinity"].contains("preferredDuringSchedulingIgnoredDuringExecution"));
  for (const auto& constraint : spec["topologySpreadConstraints"])
    EXPECT_EQ("ScheduleAnyway", constraint["whenUnsatisfiable"]);
}

TEST(PodTemplate, CarriesWhatThePoolAsksFor) {
  auto spec = pool_with({{"zones", {"a", "b"}},
                         {"template",
                          {{"labels", {{"team", "x"}}},
                           {"annotations", {{"note", "y"}}},
                           {"nodeSelector", {{"disk", "fast"}}},
                           {"tolerations", {{{"key", "kafka"}, {"operator", "Exists"}}}}}}});
  spec["priorityClassName"] = "high";
  spec["imagePullSecrets"] = {{{"name", "pull"}}};
  spec["imagePullPolicy"] = "Never";
  auto pod = pod_template(BrokerScene(spec).broker());
  EXPECT_EQ("x", pod["metadata"]["labels"]["team"]);
  EXPECT_EQ("y", pod["metadata"]["annotations"]["note"]);
  EXPECT_EQ("fast", pod["spec"]["nodeSelector"]["disk"]);
  EXPECT_EQ((Json{{{"key", "kafka"}, {"operator", "Exists"}}}), pod["spec"]["tolerations"]);
  EXPECT_EQ("high", pod["spec"]["priorityClassName"]);
  EXPECT_EQ((Json{{{"name", "pull"}}}), pod["spec"]["imagePullSecrets"]);
  EXPECT_EQ("Never", pod["spec"]["containers"][0]["imagePullPolicy"]);
  auto terms =
      pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"];
  EXPECT_EQ(Json({"a", "b"}), terms[0]["matchExpressions"][0]["values"]);
}

TEST(PodTemplate, LetsNoLabelOfThePoolReplaceItsOwn) {
  auto pod =
      pod_template(BrokerScene(pool_with({{"template", {{"labels", {{"millrace.dev/cluster", "other"}}}}}})).broker());
  EXPECT_EQ("demo", pod["metadata"]["labels"]["millrace.dev/cluster"]);
}

Json resources_of(const Json& more) {
  return container_resources(BrokerScene(pool_with({{"resources", more}})).cluster.spec.pools[0]);
}

TEST(PodResources, HaveDefaultsThatNeverContradictWhatWasGiven) {
  auto by_default = resources_of(Json::object());
  EXPECT_EQ((Json{{"requests", {{"cpu", "250m"}, {"memory", "256Mi"}}}, {"limits", {{"memory", "1Gi"}}}}), by_default);
  EXPECT_EQ("4Gi", resources_of({{"requests", {{"memory", "4Gi"}}}})["limits"]["memory"]);
  EXPECT_EQ("128Mi", resources_of({{"limits", {{"memory", "128Mi"}}}})["requests"]["memory"]);
  EXPECT_EQ("100m", resources_of({{"limits", {{"cpu", "100m"}}}})["requests"]["cpu"]);
  EXPECT_EQ("2", resources_of({{"requests", {{"cpu", 2}}}})["requests"]["cpu"]);
}

TEST(StatefulSet, RestartsNothingByItselfAndOwnsNoClaims) {
  auto set = stateful_set(BrokerScene().broker());
  EXPECT_EQ("OnDelete", set["spec"]["updateStrategy"]["type"]);
  EXPECT_EQ("Parallel", set["spec"]["podManagementPolicy"]);
  EXPECT_EQ(1, set["spec"]["replicas"]);
  EXPECT_FALSE(set["spec"].contains("volumeClaimTemplates"));
  EXPECT_FALSE(set["spec"].contains("persistentVolumeClaimRetentionPolicy"));
}

// Selectors are immutable: another one would need every StatefulSet to be made again.
TEST(StatefulSet, HasTheSelectorOfEveryVersion) {
  auto set = stateful_set(BrokerScene().broker(3));
  EXPECT_EQ(
      (Json{{"millrace.dev/cluster", "demo"}, {"millrace.dev/component", "broker"}, {"millrace.dev/broker-id", "3"}}),
      set["spec"]["selector"]["matchLabels"]);
  for (const auto& [name, value] : set["spec"]["selector"]["matchLabels"].items()) {
    EXPECT_EQ(value, set["spec"]["template"]["metadata"]["labels"][name]);
  }
}

}  // namespace
}  // namespace millrace::resources

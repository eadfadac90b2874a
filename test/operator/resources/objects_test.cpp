// Services, claims, budgets, accounts, names, images, the founding record.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/resources/bootstrap_service.h"
#include "operator/resources/claim.h"
#include "operator/resources/config_map.h"
#include "operator/resources/content_hash.h"
#include "operator/resources/disruption_budget.h"
#include "operator/resources/founding_record.h"
#include "operator/resources/headless_service.h"
#include "operator/resources/labels.h"
#include "operator/resources/names.h"
#include "operator/resources/service_account.h"
#include "test/operator/resources/broker_scene.h"

namespace millrace::resources {
namespace {

using Json = nlohmann::json;

TEST(Names, FitKubernetesForTheLongestCluster) {
  std::string cluster(40, 'x');
  BrokerScene scene(Json::object(), cluster);
  BrokerId highest(api::broker_id_max);
  // The controller's revision label is the StatefulSet's name and a hash of up to 10 characters.
  EXPECT_LE(broker_name(cluster, highest).size() + 11, 63U);
  EXPECT_LE(broker_pod_name(cluster, highest).size(), 63U);
  EXPECT_LE(claim_name(cluster, highest, "longname").size(), 253U);
  EXPECT_LE(bootstrap_service_name(cluster).size(), 63U);
  EXPECT_LE(brokers_name(cluster).size(), 63U);
  EXPECT_LE(config_map_name(scene.broker(api::broker_id_max)).size(), 253U);
}

TEST(Services, LetClientsReachTheBrokersByPort) {
  BrokerScene scene({{"listeners", {{{"name", "internal"}, {"port", 9092}}, {{"name", "apps"}, {"port", 19092}}}}});
  auto bootstrap = bootstrap_service(scene.cluster);
  EXPECT_EQ("demo-bootstrap", bootstrap["metadata"]["name"]);
  EXPECT_EQ(19092, bootstrap["spec"]["ports"][1]["port"]);
  EXPECT_EQ("tcp-apps", bootstrap["spec"]["ports"][1]["targetPort"]);
  EXPECT_EQ("demo-bootstrap.shop.svc.cluster.local:19092",
            bootstrap_servers(scene.cluster, scene.cluster.spec.listeners[1]));
  EXPECT_FALSE(bootstrap["spec"].contains("publishNotReadyAddresses"));
}

TEST(Services, NameBrokersThatAreNotReady) {
  auto headless = headless_service(BrokerScene().cluster);
  EXPECT_EQ("None", headless["spec"]["clusterIP"]);
  EXPECT_EQ(true, headless["spec"]["publishNotReadyAddresses"]);
  EXPECT_EQ((Json{{"millrace.dev/cluster", "demo"}, {"millrace.dev/component", "broker"}}),
            headless["spec"]["selector"]);
}

TEST(Claim, HasAnOwnerOnlyWhereItMayBeDeleted) {
  auto kept =
      claim(BrokerScene().broker(),
            api::VolumeSpec{.name = "data", .size = api::Quantity::parse("5Gi").value(), .storage_class = "fast"});
  EXPECT_FALSE(kept["metadata"].contains("ownerReferences"));
  EXPECT_EQ("fast", kept["spec"]["storageClassName"]);
  EXPECT_EQ(Json::array({"ReadWriteOnce"}), kept["spec"]["accessModes"]);
  EXPECT_EQ("5Gi", kept["spec"]["resources"]["requests"]["storage"]);
  EXPECT_EQ("AbCdEfGhIjKlMnOpQrStUg", kept["metadata"]["labels"]["millrace.dev/cluster-id"]);
  Json pool = {{"name", "b"}, {"storage", {{"volumes", {{{"size", "1Gi"}}}}, {"deleteClaim", true}}}};
  BrokerScene scene({{"pools", Json::array({pool})}});
  auto owned = claim(scene.broker(), scene.cluster.spec.pools[0].volumes[0]);
  EXPECT_EQ("uid-1", owned["metadata"]["ownerReferences"][0]["uid"]);
  EXPECT_FALSE(owned["spec"].contains("storageClassName"));
}

TEST(ConfigMap, IsNamedAfterItsContentAndNeverChanges) {
  auto one = config_map(BrokerScene().broker());
  auto other = config_map(BrokerScene({{"config", {{"num.partitions", 2}}}}).broker());
  EXPECT_EQ(true, one["immutable"]);
  EXPECT_NE(one["metadata"]["name"], other["metadata"]["name"]);
  EXPECT_EQ(one["metadata"]["name"], config_map(BrokerScene().broker())["metadata"]["name"]);
  EXPECT_EQ("ba7816bf8f01", content_hash("abc")) << "SHA-256, FIPS 180-4";
}

TEST(DisruptionBudget, KeepsAllBrokersButOne) {
  EXPECT_EQ(0, min_available(1)) << "a drain must not wait for a broker that nothing can replace";
  EXPECT_EQ(2, min_available(3));
  EXPECT_EQ(0, disruption_budget(BrokerScene().cluster)["spec"]["minAvailable"]);
}

TEST(ServiceAccount, MountsNoToken) {
  EXPECT_EQ(false, service_account(BrokerScene().cluster)["automountServiceAccountToken"]);
}

TEST(BrokerImage, IsTheResourcesChoiceOrTheOperators) {
  constexpr const char* fallback = "registry.test:5000/team/millrace-broker:1.0@sha256:abc";
  api::KafkaClusterSpec spec;
  EXPECT_EQ(fallback, broker_image(spec, fallback));
  spec.version = "2.0";
  EXPECT_EQ("registry.test:5000/team/millrace-broker:2.0", broker_image(spec, fallback));
  EXPECT_EQ("localhost:5000/b:2.0", broker_image(spec, "localhost:5000/b"));
  spec.image = "mine/broker";
  EXPECT_EQ("mine/broker", broker_image(spec, fallback));
}

TEST(BrokerImage, TellsItsVersion) {
  EXPECT_EQ("1.0", image_version("r:5000/b:1.0"));
  EXPECT_EQ("1.0", image_version("r:5000/b:1.0@sha256:abc"));
  EXPECT_EQ("sha256:abc", image_version("r:5000/b@sha256:abc"));
  EXPECT_EQ("latest", image_version("r:5000/b"));
}

TEST(FoundingRecord, ReadsBackWhatItWrote) {
  FoundingRecord record;
  record.cluster_id = "AbCdEfGhIjKlMnOpQrStUg";
  record.brokers[BrokerId(0)] = {"brokers", {"data"}};
  record.brokers[BrokerId(7)] = {"other", {}};
  auto config = founding_config_map(BrokerScene().cluster, record, {{"demo-broker-0-data", "uid-9"}});
  EXPECT_EQ(record, parse_founding_config_map(config).value());
  EXPECT_EQ("demo-founding", config["metadata"]["name"]);
  EXPECT_EQ("uid-1", config["metadata"]["ownerReferences"][0]["uid"]);
  EXPECT_EQ("uid-9", config["metadata"]["ownerReferences"][1]["uid"]) << "it lives as long as the claims";
}

TEST(FoundingRecord, SaysWhatCannotBeRead) {
  auto wrong = [](const char* cluster_id, const char* brokers) {
    auto parsed = parse_founding_config_map({{"data", {{"clusterId", cluster_id}, {"brokers", brokers}}}});
    return parsed ? "" : parsed.error().message;
  };
  constexpr const char* good = "AbCdEfGhIjKlMnOpQrStUg";
  EXPECT_EQ("", wrong(good, R"({"0":{"pool":"a","volumes":[]}})"));
  EXPECT_THAT(wrong("short", "{}"), testing::HasSubstr("clusterId"));
  EXPECT_THAT(wrong(good, "nonsense"), testing::HasSubstr("brokers"));
  EXPECT_THAT(wrong(good, R"({"-1":{"pool":"a","volumes":[]}})"), testing::HasSubstr("'-1' is not a broker id"));
  EXPECT_THAT(wrong(good, R"({"0":{"volumes":[]}})"), testing::HasSubstr("broker 0"));
  EXPECT_THAT(wrong(good, R"({"0":{"pool":"a","volumes":[1]}})"), testing::HasSubstr("broker 0"));
  EXPECT_FALSE(parse_founding_config_map(Json::object()));
}

TEST(Labels, KnowWhichTextsTheyMayHold) {
  EXPECT_TRUE(is_label_value("AbC-_d9"));
  EXPECT_FALSE(is_label_value("_bC"));
  EXPECT_FALSE(is_label_value("bC-"));
  EXPECT_FALSE(is_label_value(std::string(64, 'a')));
}

}  // namespace
}  // namespace millrace::resources

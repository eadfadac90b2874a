#include "operator/api/kafka_cluster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::api {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

constexpr const char* smallest = R"({
  "pools": [{"name": "brokers", "storage": {"volumes": [{"size": "5Gi"}]}}],
  "metadata": {"embedded": {}}
})";

std::string mistakes(const Json& spec) {
  auto parsed = parse_kafka_cluster_spec(spec);
  return parsed ? "" : parsed.error().message;
}

Json with(const char* path, Json value) {
  auto spec = Json::parse(smallest);
  spec[Json::json_pointer(path)] = std::move(value);
  return spec;
}

TEST(KafkaClusterSpec, HasTheDefaultsOfTheSchema) {
  auto spec = parse_kafka_cluster_spec(Json::parse(smallest)).value();
  EXPECT_EQ(1, spec.pools[0].replicas);
  EXPECT_EQ("data", spec.pools[0].volumes[0].name);
  EXPECT_FALSE(spec.pools[0].delete_claim);
  ASSERT_EQ(1U, spec.listeners.size());
  EXPECT_EQ("internal", spec.listeners[0].name);
  EXPECT_EQ(9092, spec.listeners[0].port);
  EXPECT_EQ("cluster.local", spec.cluster_domain);
  EXPECT_EQ("IfNotPresent", spec.image_pull_policy);
  EXPECT_FALSE(spec.paused);
  EXPECT_FALSE(spec.rollout.paused);
}

TEST(KafkaClusterSpec, ReadsEveryField) {
  auto spec = parse_kafka_cluster_spec(Json::parse(R"({
    "image": "a/b:1", "imagePullPolicy": "Always", "imagePullSecrets": [{"name": "pull"}],
    "pools": [{"name": "p", "replicas": 1, "idRange": {"start": 5, "end": 9}, "zones": ["a", "b"],
      "storage": {"volumes": [{"name": "disk", "size": 5368709120, "storageClass": "fast"}], "deleteClaim": true},
      "resources": {"requests": {"cpu": 1, "memory": "1Gi"}, "limits": {"cpu": "2500m", "memory": "2Gi"}},
      "template": {"labels": {"l": "1"}, "annotations": {"a": "2"}, "nodeSelector": {"n": "3"},
        "tolerations": [{"key": "k", "operator": "Equal", "value": "v", "effect": "NoExecute", "tolerationSeconds": 30}]}}],
    "metadata": {"embedded": {}},
    "listeners": [{"name": "plain", "type": "internal", "port": 19092}],
    "config": {"num.partitions": 3},
    "rollout": {"paused": true, "restartedAt": "now"},
    "priorityClassName": "high", "clusterDomain": "k8s.test", "paused": true})"))
                  .value();
  EXPECT_EQ("a/b:1", spec.image);
  EXPECT_EQ("Always", spec.image_pull_policy);
  EXPECT_EQ("pull", spec.image_pull_secrets.at(0));
  const auto& pool = spec.pools.at(0);
  EXPECT_EQ(5, pool.id_range->start);
  EXPECT_EQ(9, pool.id_range->end);
  EXPECT_EQ((std::vector<std::string>{"a", "b"}), pool.zones);
  EXPECT_EQ("disk", pool.volumes.at(0).name);
  EXPECT_EQ(Quantity::parse("5Gi").value(), pool.volumes.at(0).size);
  EXPECT_EQ("fast", pool.volumes.at(0).storage_class);
  EXPECT_TRUE(pool.delete_claim);
  EXPECT_EQ("1", pool.requests.cpu->text());
  EXPECT_EQ("2500m", pool.limits.cpu->text());
  EXPECT_EQ("2Gi", pool.limits.memory->text());
  EXPECT_EQ("1", pool.pod_template.labels.at("l"));
  EXPECT_EQ("2", pool.pod_template.annotations.at("a"));
  EXPECT_EQ("3", pool.pod_template.node_selector.at("n"));
  EXPECT_EQ(30, pool.pod_template.tolerations.at(0).toleration_seconds);
  EXPECT_EQ(19092, spec.listeners.at(0).port);
  EXPECT_EQ(3, spec.config.at("num.partitions"));
  EXPECT_TRUE(spec.rollout.paused);
  EXPECT_EQ("now", spec.rollout.restarted_at);
  EXPECT_EQ("high", spec.priority_class_name);
  EXPECT_EQ("k8s.test", spec.cluster_domain);
  EXPECT_TRUE(spec.paused);
}

TEST(KafkaClusterSpec, NamesTheFieldThatIsWrong) {
  EXPECT_THAT(mistakes(with("/pools/0/replicas", "some")),
              HasSubstr("spec.pools[0].replicas must be an integer from 1 to 500"));
  EXPECT_THAT(mistakes(with("/pools/0/replicas", 3)),
              HasSubstr("spec.metadata.embedded needs exactly one pool with replicas 1"));
  EXPECT_THAT(mistakes(with("/pools/0/storage/volumes/0/size", "5GB")),
              HasSubstr("spec.pools[0].storage.volumes[0].size"));
  EXPECT_THAT(mistakes(with("/pools/0/storage/volumes", Json::array())),
              HasSubstr("spec.pools[0].storage.volumes must have"));
  EXPECT_THAT(mistakes(with("/pools/0/idRange", {{"start", 5}, {"end", 2}})), HasSubstr("spec.pools[0].idRange"));
  EXPECT_THAT(mistakes(with("/metadata", Json::object())), HasSubstr("spec.metadata must choose a store"));
  EXPECT_THAT(mistakes(with("/listeners", {{{"name", "a"}, {"port", 9404}}})), HasSubstr("spec.listeners[0].port"));
  EXPECT_THAT(mistakes(with("/listeners", {{{"name", "a"}, {"port", 9092}}, {{"name", "b"}, {"port", 9092}}})),
              HasSubstr("port 9092"));
  EXPECT_THAT(mistakes(with("/paused", "yes")), HasSubstr("spec.paused must be true or false"));
  EXPECT_THAT(mistakes(with("/config", "x")), HasSubstr("spec.config must be an object"));
  EXPECT_THAT(mistakes(Json::array()), HasSubstr("spec must be an object"));
}

TEST(KafkaClusterSpec, NamesEveryMistakeAtOnce) {
  auto spec = with("/paused", 1);
  spec["clusterDomain"] = 2;
  EXPECT_THAT(mistakes(spec), testing::AllOf(HasSubstr("spec.paused"), HasSubstr("spec.clusterDomain")));
}

TEST(KafkaCluster, NeedsWhatTheApiServerGives) {
  Json object = {{"metadata", {{"name", "demo"}, {"namespace", "n"}, {"uid", "u"}, {"generation", 4}}},
                 {"spec", Json::parse(smallest)}};
  auto cluster = parse_kafka_cluster(object).value();
  EXPECT_EQ("demo", cluster.name);
  EXPECT_EQ(4, cluster.generation);
  EXPECT_FALSE(cluster.deleting);
  object["metadata"].erase("uid");
  object.erase("spec");
  auto broken = parse_kafka_cluster(object);
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message,
              testing::AllOf(HasSubstr("metadata.uid is missing"), HasSubstr("spec is missing")));
}

}  // namespace
}  // namespace millrace::api

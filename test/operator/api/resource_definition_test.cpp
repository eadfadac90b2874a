// crds/kafkaclusters.yaml against the rules of the house, the chart's copy, and the typed KafkaCluster.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "operator/api/json_access.h"
#include "operator/api/kafka_cluster.h"
#include "test/operator/api/yaml_document.h"

namespace millrace::api {
namespace {

using Json = nlohmann::json;

constexpr const char* definition_file = "crds/kafkaclusters.yaml";

Json definition() { return read_yaml(definition_file); }

Json schema() { return definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]; }

using Visit = std::function<void(const std::string& path, const Json& schema)>;

void walk(const std::string& path, const Json& schema, const Visit& visit) {
  visit(path, schema);
  const Json& properties = json_at(schema, {"properties"});
  for (const auto& [name, property] : properties.items()) walk(path + "." + name, property, visit);
  if (schema.contains("items")) walk(path + "[]", schema["items"], visit);
  if (schema.contains("additionalProperties")) walk(path + ".*", schema["additionalProperties"], visit);
}

TEST(ResourceDefinition, DescribesEveryField) {
  walk("", schema(), [](const std::string& path, const Json& field) {
    if (path == ".metadata") return;  // the API server describes it and lets nobody else do so
    EXPECT_GT(text_at(field, {"description"}).size(), 5U) << path;
    EXPECT_TRUE(text_at(field, {"description"}).ends_with('.')) << path;
  });
}

TEST(ResourceDefinition, BoundsEveryTextListAndMap) {
  walk("", schema(), [](const std::string& path, const Json& field) {
    if (!path.starts_with(".spec") && !path.starts_with(".status")) return;
    auto type = text_at(field, {"type"});
    if (field.contains("x-kubernetes-int-or-string")) type = "string";
    if (type == "string" && !field.contains("enum") && !field.contains("format"))
      EXPECT_TRUE(field.contains("maxLength")) << path;
    if (type == "array") EXPECT_TRUE(field.contains("maxItems")) << path;
    if (field.contains("additionalProperties")) EXPECT_TRUE(field.contains("maxProperties")) << path;
    if (type == "integer" && path.starts_with(".spec") && !path.ends_with("tolerationSeconds")) {
      EXPECT_TRUE(field.contains("minimum") && field.contains("maximum")) << path;
    }
  });
}

TEST(ResourceDefinition, IsStructural) {
  walk("", schema(), [](const std::string& path, const Json& field) {
    bool any = field.contains("x-kubernetes-preserve-unknown-fields") || field.contains("x-kubernetes-int-or-string");
    EXPECT_TRUE(field.contains("type") || any) << path;
    if (text_at(field, {"type"}) == "array") EXPECT_TRUE(field.contains("x-kubernetes-list-type")) << path;
  });
}

TEST(ResourceDefinition, ExplainsEveryRule) {
  walk("", schema(), [](const std::string& path, const Json& field) {
    for (const auto& rule : json_at(field, {"x-kubernetes-validations"})) {
      EXPECT_GT(text_at(rule, {"message"}).size(), 20U) << path << " " << text_at(rule, {"rule"});
    }
  });
}

// A size that no volume ever reached must be possible to take back, and what a claim has only the operator can see: it
// compares.
TEST(ResourceDefinition, ComparesTheSizeOfAVolumeWithNoEarlierOne) {
  const Json volume = json_at(schema(), {"properties", "spec", "properties", "pools", "items", "properties", "storage",
                                         "properties", "volumes", "items"});
  ASSERT_TRUE(json_at(volume, {"properties", "size"}).is_object());
  for (const auto& rule : json_at(volume, {"x-kubernetes-validations"})) {
    EXPECT_EQ(std::string::npos, text_at(rule, {"rule"}).find("oldSelf.size")) << text_at(rule, {"rule"});
  }
}

TEST(ResourceDefinition, IsSmallEnoughForClientSideApply) { EXPECT_LT(definition().dump().size(), 200'000U); }

TEST(ResourceDefinition, NamesWhatTheOperatorReads) {
  auto found = definition();
  EXPECT_EQ(kafka_cluster_definition, found["metadata"]["name"].get<std::string>());
  EXPECT_EQ(group, found["spec"]["group"].get<std::string>());
  EXPECT_EQ(version, found["spec"]["versions"][0]["name"].get<std::string>());
  EXPECT_EQ(kafka_cluster_kind, found["spec"]["names"]["kind"].get<std::string>());
  EXPECT_EQ(kafka_cluster_plural, found["spec"]["names"]["plural"].get<std::string>());
  EXPECT_EQ(std::to_string(schema_version), annotation(found, schema_version_annotation));
  EXPECT_TRUE(found["spec"]["versions"][0]["subresources"].contains("status"));
}

// What the schema says a field is when it is absent, the typed specification must say too.
TEST(ResourceDefinition, HasTheDefaultsOfTheTypedSpecification) {
  Json spec = {{"pools", {{{"name", "a"}, {"storage", {{"volumes", {{{"size", "1Gi"}}}}}}}}},
               {"metadata", {{"embedded", Json::object()}}}};
  auto typed = parse_kafka_cluster_spec(spec).value();
  const Json properties = schema()["properties"]["spec"]["properties"];
  const Json& pool = properties["pools"]["items"]["properties"];
  EXPECT_EQ(typed.pools[0].replicas, pool["replicas"]["default"]);
  EXPECT_EQ(typed.pools[0].delete_claim, pool["storage"]["properties"]["deleteClaim"]["default"]);
  EXPECT_EQ(typed.pools[0].volumes[0].name,
            pool["storage"]["properties"]["volumes"]["items"]["properties"]["name"]["default"].get<std::string>());
  EXPECT_EQ(typed.cluster_domain, properties["clusterDomain"]["default"].get<std::string>());
  EXPECT_EQ(typed.paused, properties["paused"]["default"]);
  EXPECT_EQ(typed.rollout.paused, properties["rollout"]["properties"]["paused"]["default"]);
  EXPECT_EQ(Json({{{"name", typed.listeners[0].name}, {"type", "internal"}, {"port", typed.listeners[0].port}}}),
            properties["listeners"]["default"]);
  EXPECT_EQ(broker_id_max, pool["idRange"]["properties"]["end"]["maximum"]);
}

TEST(ResourceDefinition, IsTheSameInTheChart) {
  auto source = read_file(definition_file);
  auto chart = read_file("charts/millrace/templates/crds.yaml");
  const std::string keep = "    helm.sh/resource-policy: keep\n";
  auto at = chart.find(keep);
  ASSERT_NE(std::string::npos, at) << "helm uninstall would remove the definition, and every cluster with it";
  chart.erase(at, keep.size());
  const std::string end_of_condition = "{{- end }}\n";
  ASSERT_TRUE(chart.ends_with(end_of_condition));
  chart.resize(chart.size() - end_of_condition.size());
  // Each file begins with a comment of its own.
  auto body = [](const std::string& text) { return text.substr(text.find("apiVersion:")); };
  EXPECT_EQ(body(source), body(chart)) << "make charts/millrace/templates/crds.yaml again with deploy/generate";
}

TEST(Example, IsASpecificationThatTheOperatorTakes) {
  auto manifest = read_yaml("deploy/examples/single-broker.yaml");
  EXPECT_EQ("KafkaCluster", manifest["kind"]);
  auto spec = parse_kafka_cluster_spec(manifest["spec"]);
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(1, spec->broker_count());
}

// A field of the schema that no code reads would be a promise that nobody keeps.
TEST(ResourceDefinition, HasNoFieldThatTheTypedSpecificationDoesNotRead) {
  auto source = read_file("operator/api/kafka_cluster.cpp");
  walk("", schema(), [&](const std::string& path, const Json&) {
    if (!path.starts_with(".spec.") || path.ends_with("]") || path.ends_with("*")) return;
    auto name = path.substr(path.rfind('.') + 1);
    EXPECT_NE(std::string::npos, source.find("\"" + name + "\"")) << path;
  });
}

}  // namespace
}  // namespace millrace::api

#include "operator/resources/template_inputs.h"

#include <gtest/gtest.h>

#include <set>

#include "test/operator/resources/broker_scene.h"

namespace millrace::resources {
namespace {

using Json = nlohmann::json;

// These are in the annotations of running clusters. Another value restarts every broker at the next upgrade of the operator.
TEST(SpecHash, StaysTheSameInEveryVersionOfTheOperator) {
  EXPECT_EQ("44136fa355b3", spec_hash(BrokerScene().broker()));
  BrokerScene full({{"version", "1.2"},
                    {"config", {{"num.partitions", 3}}},
                    {"listeners", {{{"name", "apps"}, {"port", 19092}}}},
                    {"rollout", {{"restartedAt", "now"}}},
                    {"pools",
                     {{{"name", "p"},
                       {"zones", {"a"}},
                       {"resources", {{"requests", {{"cpu", "1"}}}}},
                       {"template", {{"nodeSelector", {{"disk", "fast"}}}}},
                       {"storage", {{"volumes", {{{"size", "1Gi"}}}}}}}}}});
  EXPECT_EQ("6efd7b71af6c", spec_hash(full.broker())) << template_inputs(full.broker()).dump();
}

TEST(SpecHash, IsAnotherForEveryChangeThatBrokersTakeUpByARestart) {
  std::set<std::string> hashes = {spec_hash(BrokerScene().broker())};
  auto pool = [](const Json& more) {
    Json json = {{"name", "brokers"}, {"storage", {{"volumes", {{{"size", "5Gi"}}}}}}};
    json.update(more);
    return Json{{"pools", Json::array({json})}};
  };
  const Json changes = {{{"version", "2"}},
                        {{"image", "a/b:c"}},
                        {{"imagePullPolicy", "Always"}},
                        {{"imagePullSecrets", {{{"name", "s"}}}}},
                        {{"config", {{"num.partitions", 2}}}},
                        {{"listeners", {{{"name", "internal"}, {"port", 9093}}}}},
                        {{"rollout", {{"restartedAt", "1"}}}},
                        {{"priorityClassName", "p"}},
                        {{"clusterDomain", "d"}},
                        pool({{"zones", {"a"}}}),
                        pool({{"resources", {{"limits", {{"memory", "2Gi"}}}}}}),
                        pool({{"template", {{"labels", {{"a", "b"}}}}}}),
                        pool({{"template", {{"annotations", {{"a", "b"}}}}}}),
                        pool({{"template", {{"nodeSelector", {{"a", "b"}}}}}}),
                        pool({{"template", {{"tolerations", {{{"key", "a"}}}}}}})};
  for (const auto& change : changes)
    EXPECT_TRUE(hashes.insert(spec_hash(BrokerScene(change).broker())).second) << change.dump();
}

TEST(SpecHash, IsTheSameForChangesThatNeedNoRestart) {
  auto hash = spec_hash(BrokerScene().broker());
  Json pool = {{"name", "brokers"}, {"storage", {{"volumes", {{{"size", "50Gi"}}}}, {"deleteClaim", true}}}};
  EXPECT_EQ(hash, spec_hash(BrokerScene({{"pools", Json::array({pool})}}).broker()));
  EXPECT_EQ(hash, spec_hash(BrokerScene({{"rollout", {{"paused", true}}}}).broker()));
  EXPECT_EQ(hash, spec_hash(BrokerScene({{"paused", true}}).broker()));
  EXPECT_EQ(hash, spec_hash(BrokerScene({{"listeners", {{{"name", "internal"}, {"port", 9092}}}},
                                         {"clusterDomain", "cluster.local"}})
                                .broker()));
  auto upgraded = BrokerScene();
  auto broker = upgraded.broker();
  broker.image = "registry.test/millrace-broker:9.9";
  EXPECT_EQ(hash, spec_hash(broker)) << "an operator's own image is no part of the specification";
}

}  // namespace
}  // namespace millrace::resources

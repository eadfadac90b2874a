#include "test/operator/resources/broker_scene.h"

#include "operator/api/broker_config.h"

namespace millrace::resources {

using Json = nlohmann::json;

BrokerScene::BrokerScene(const Json& spec, std::string name) {
  Json full = {{"pools", {{{"name", "brokers"}, {"storage", {{"volumes", {{{"size", "5Gi"}}}}}}}}},
               {"metadata", {{"embedded", Json::object()}}}};
  full.merge_patch(spec);
  cluster.name = std::move(name);
  cluster.namespace_name = "shop";
  cluster.uid = "uid-1";
  cluster.spec = api::parse_kafka_cluster_spec(full).value();
  config = api::check_broker_config(cluster.spec.config).values;
}

Broker BrokerScene::broker(std::int32_t id) const {
  return {cluster,
          cluster.spec.pools.front(),
          BrokerId(id),
          "AbCdEfGhIjKlMnOpQrStUg",
          broker_image(cluster.spec, "registry.test/millrace-broker:1.0"),
          config};
}

}  // namespace millrace::resources

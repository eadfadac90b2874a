// A Kubernetes cluster in memory with the operator's reconciler in it: the fake API server, the controllers whose work
// reconcilers wait for (StatefulSets, binding of claims, the kubelet, the garbage collector), and what was told as
// events.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "broker/base/clock.h"
#include "broker/base/random.h"
#include "operator/kubernetes/event_recorder.h"
#include "operator/reconcile/kafka_cluster_reconciler.h"
#include "operator/reconcile/resource_types.h"
#include "test/operator/reconcile/fake_kubernetes_api.h"

namespace millrace::reconcile {

class RecordedEvents final : public kubernetes::EventSink {
 public:
  void record(const kubernetes::Regarding& regarding, const kubernetes::EventDescription& event) override;
  [[nodiscard]] bool has(const std::string& reason, const std::string& words = "") const;
  [[nodiscard]] std::size_t count(const std::string& reason) const;

  std::vector<kubernetes::EventDescription> events;
};

inline constexpr const char* example = R"({
  "pools": [{"name": "brokers", "replicas": 1, "storage": {"volumes": [{"name": "data", "size": "5Gi"}]}}],
  "metadata": {"embedded": {}}
})";

class Scene {
 public:
  explicit Scene(std::uint64_t seed = 1);

  // The KafkaCluster default/demo, as a person would apply it.
  void apply(const nlohmann::json& spec = nlohmann::json::parse(example));
  void patch_spec(const nlohmann::json& patch);
  // kubectl delete of the KafkaCluster, and what goes with it.
  void delete_cluster();

  // The condition Ready of the node that every pod runs on, as the node controller sets it.
  void set_node_ready(const std::string& status);

  ReconcileResult reconcile_once();
  // Reconciles and lets the controllers work until nothing changes any more. False when that never comes.
  bool settle(int rounds_max = 40);
  // One round of the other controllers. True when something changed.
  bool run_controllers();
  // A new operator process: nothing is remembered but what is in the cluster.
  void restart_operator(std::uint64_t seed, const std::string& default_image = "registry.test/millrace-broker:1.0");

  [[nodiscard]] kubernetes::ObjectReference reference(const kubernetes::ResourceType& type,
                                                      const std::string& name) const;
  [[nodiscard]] nlohmann::json get(const kubernetes::ResourceType& type, const std::string& name) const;
  [[nodiscard]] bool exists(const kubernetes::ResourceType& type, const std::string& name) const;
  [[nodiscard]] nlohmann::json status() const;
  [[nodiscard]] nlohmann::json condition(const std::string& type) const;
  [[nodiscard]] std::string cluster_id() const;
  [[nodiscard]] bool is_ready() const;
  // Every object but pods, without what differs between two clusters that are alike.
  [[nodiscard]] nlohmann::json snapshot() const;

  kubernetes::FakeKubernetesApi api;
  RecordedEvents events;
  ManualClock clock;
  std::optional<Outcome> schema_refusal;

 private:
  bool run_stateful_sets();
  bool run_kubelet();
  bool bind_claims();

  std::unique_ptr<SeededRandom> random_;
  std::unique_ptr<KafkaClusterReconciler> reconciler_;
};

}  // namespace millrace::reconcile

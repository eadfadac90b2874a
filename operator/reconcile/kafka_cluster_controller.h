// Keeps the KafkaClusters of some namespaces reconciled: informers notice what changes, a work queue says which cluster
// is next, and a few workers reconcile.
//
//   informers (clusters and their children) -> queue of cluster names -> workers -> KafkaClusterReconciler
//
// While `leadership` is nothing the informers stay current and the workers let everything pass, so that a standby can
// take over at once: call look_at_everything() when leadership comes, at every new term. Besides news, every cluster is
// looked at every ten minutes.
//
// start, stop and destruction from one thread; the rest from any. stop() joins everything.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/metrics.h"
#include "broker/base/random.h"
#include "operator/kubernetes/api.h"
#include "operator/kubernetes/event_recorder.h"
#include "operator/kubernetes/informer.h"
#include "operator/kubernetes/work_queue.h"
#include "operator/reconcile/kafka_cluster_reconciler.h"
#include "operator/reconcile/leader_guard.h"
#include "operator/reconcile/schema_gate.h"
#include "operator/reconcile/watched_object.h"

namespace millrace::reconcile {

struct ControllerOptions {
  std::vector<std::string> namespaces;  // none: all of them
  std::size_t workers = 4;
  std::string default_image;
};

class KafkaClusterController {
 public:
  KafkaClusterController(kubernetes::KubernetesApi& api, kubernetes::EventSink& events, const Clock& clock,
                         MetricsRegistry& metrics, ControllerOptions options, AskLeadership leadership);
  KafkaClusterController(const KafkaClusterController&) = delete;
  KafkaClusterController& operator=(const KafkaClusterController&) = delete;
  ~KafkaClusterController();

  void start();
  void stop();
  void look_at_everything();

  // Whether the first lists have come in; the error says which has not, and why.
  [[nodiscard]] Status readiness() const;
  // False when a worker has been busy with one cluster for longer than all its calls may take together.
  [[nodiscard]] bool is_alive() const;
  // Brings the gauges up to now, before they are read.
  void update_gauges();

 private:
  using Clusters = kubernetes::Informer<WatchedCluster>;
  using Children = kubernetes::Informer<WatchedChild>;

  struct Worker {
    std::atomic<Duration::rep> busy_since{0};  // 0: idle
    std::thread thread;
  };

  void watch_namespace(const std::string& namespace_name);
  void work(Worker& worker);
  void take(const kubernetes::ObjectKey& key, std::uint64_t term);

  kubernetes::KubernetesApi& api_;
  kubernetes::EventSink& events_;
  const Clock& clock_;
  SystemRandom random_;
  ControllerOptions options_;
  AskLeadership leadership_;
  SchemaGate schema_;
  kubernetes::WorkQueue queue_;
  std::vector<std::unique_ptr<Clusters>> clusters_;
  std::vector<std::unique_ptr<Children>> children_;
  std::vector<std::unique_ptr<Worker>> workers_;

  MetricsRegistry::Counter succeeded_;
  MetricsRegistry::Counter failed_;
  MetricsRegistry::Histogram seconds_;
  MetricsRegistry::Gauge cluster_count_;
  MetricsRegistry::Gauge ready_count_;
  MetricsRegistry::Gauge waiting_count_;
};

}  // namespace millrace::reconcile

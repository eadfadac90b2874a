// The operator as a process: API clients, leader election, events, the controller, and the port of probes and metrics,
// started in this order and stopped in the reverse one. One thread calls start and stop.
#pragma once

#include <memory>
#include <optional>

#include "broker/base/clock.h"
#include "broker/base/metrics.h"
#include "broker/base/random.h"
#include "broker/base/result.h"
#include "broker/http/http_server.h"
#include "operator/kubernetes/client.h"
#include "operator/kubernetes/configuration.h"
#include "operator/kubernetes/event_recorder.h"
#include "operator/kubernetes/leader_election.h"
#include "operator/operator_settings.h"
#include "operator/reconcile/kafka_cluster_controller.h"

namespace millrace {

class OperatorProcess {
 public:
  explicit OperatorProcess(OperatorSettings settings) : settings_(std::move(settings)) {}

  [[nodiscard]] Status start(const kubernetes::ClientConfiguration& configuration);
  // Ends what is under way, writes the last events, gives the Lease back.
  void stop();

 private:
  [[nodiscard]] Status start_http();
  [[nodiscard]] Status start_election(const kubernetes::ClientConfiguration& configuration);
  // Without an election this process leads for ever.
  [[nodiscard]] std::optional<kubernetes::Leadership> leadership() const;
  [[nodiscard]] http::HttpResponse metrics_page();
  [[nodiscard]] http::HttpResponse readiness_page() const;

  OperatorSettings settings_;
  SystemClock clock_;
  SystemRandom random_;
  MetricsRegistry metrics_;
  MetricsRegistry::Gauge leading_;
  std::unique_ptr<kubernetes::KubernetesClient> client_;
  std::unique_ptr<kubernetes::KubernetesClient> lease_client_;  // so that nothing else delays a renewal
  std::unique_ptr<kubernetes::EventRecorder> events_;
  std::unique_ptr<kubernetes::LeaderElection> election_;
  std::unique_ptr<reconcile::KafkaClusterController> controller_;
  std::unique_ptr<http::HttpServer> http_;
};

}  // namespace millrace

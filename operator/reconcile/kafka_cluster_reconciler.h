// Makes what there is of one KafkaCluster into what is asked for, one look at a time, and reports it in the status.
//
// Stateless: everything it knows it reads from the API server, so that it can be killed at any write and goes on from
// there. When all is as it should be it writes nothing. Aspects run one after the other, and none keeps another from
// its work:
//
//   ConfigValid  IdentityReady  VolumesReady  NetworkReady  ProtectionReady  BrokersReady  UpToDate    ->  Ready
//
// reconcile() from any thread, several clusters at once, one cluster never twice at once (the work queue sees to that).
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "broker/base/clock.h"
#include "broker/base/result.h"
#include "operator/kubernetes/object_reference.h"
#include "operator/reconcile/outcome.h"

namespace millrace {
class Random;
}

namespace millrace::kubernetes {
class EventSink;
class KubernetesApi;
}  // namespace millrace::kubernetes

namespace millrace::reconcile {

struct ReconcilerSettings {
  std::string default_image;  // of brokers whose KafkaCluster names none
  // Why nothing may be reconciled now (schema_gate.h); nothing when all is well.
  std::function<std::optional<Outcome>()> refusal = [] { return std::optional<Outcome>(); };
};

struct ReconcileResult {
  bool failed = false;  // try again, backing off
  bool gone = false;    // there is no such cluster any more
  std::string why{};
  std::optional<Duration> look_again{};
};

class KafkaClusterReconciler {
 public:
  // `random` must be usable from every thread that reconciles.
  KafkaClusterReconciler(kubernetes::KubernetesApi& api, kubernetes::EventSink& events, const Clock& clock,
                         Random& random, ReconcilerSettings settings);

  [[nodiscard]] ReconcileResult reconcile(const kubernetes::ObjectKey& key);

 private:
  kubernetes::KubernetesApi& api_;
  kubernetes::EventSink& events_;
  const Clock& clock_;
  Random& random_;
  ReconcilerSettings settings_;
};

}  // namespace millrace::reconcile

// BrokersReady: every broker has its StatefulSet and serves. A StatefulSet is made here, once its volumes are there; its template
// is changed by the rollout aspect only, at its broker's turn. Everything else of it is kept as it should be.
#pragma once

#include "operator/reconcile/cluster_context.h"
#include "operator/reconcile/outcome.h"
#include "operator/status/kafka_cluster_status.h"

namespace millrace::reconcile {

[[nodiscard]] Outcome reconcile_brokers(ClusterContext& context);

// The condition that follows from the brokers' states alone.
[[nodiscard]] Outcome judge_brokers(const std::vector<status::BrokerStatus>& brokers, std::int32_t wanted);

}  // namespace millrace::reconcile

// NetworkReady: the headless Service that names the brokers, and the bootstrap Service that clients begin with.
#pragma once

#include "operator/reconcile/cluster_context.h"
#include "operator/reconcile/outcome.h"

namespace millrace::reconcile {

[[nodiscard]] Outcome reconcile_network(ClusterContext& context);

}  // namespace millrace::reconcile

// ProtectionReady: the disruption budget that keeps drains from taking too many brokers at once.
#pragma once

#include "operator/reconcile/cluster_context.h"
#include "operator/reconcile/outcome.h"

namespace millrace::reconcile {

[[nodiscard]] Outcome reconcile_protection(ClusterContext& context);

}  // namespace millrace::reconcile

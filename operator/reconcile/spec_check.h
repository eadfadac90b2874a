// ConfigValid: spec.config has only keys and values that may be set. While it does not, no broker is created or restarted, so
// that a mistake cannot take a running cluster down.
#pragma once

#include "operator/reconcile/cluster_context.h"
#include "operator/reconcile/outcome.h"

namespace millrace::reconcile {

[[nodiscard]] Outcome check_config(const ClusterContext& context);

}  // namespace millrace::reconcile

// UpToDate: every broker runs with the latest specification. One broker at a time gets its new template and is restarted; the next
// one's turn comes when it serves again. All progress is in the cluster: the template says what was decided, the StatefulSet's
// revision whether the pod has it yet. A killed operator goes on where it was.
//
//   specification changed -> [turn] ConfigMap, template written -> pod deleted (that very pod) -> pod serves -> old ConfigMap removed
//
// A template that only a newer operator would write otherwise waits for the next change.
#pragma once

#include "operator/reconcile/cluster_context.h"
#include "operator/reconcile/outcome.h"

namespace millrace::reconcile {

[[nodiscard]] Outcome reconcile_rollout(ClusterContext& context);

}  // namespace millrace::reconcile

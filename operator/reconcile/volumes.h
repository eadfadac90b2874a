// VolumesReady: every broker has the claims that its pool asks for, with its identity on them, of the size that is asked for.
// They grow and never shrink; nothing here deletes a claim. A claim that was made once and is missing is never made again: its
// broker's pod stays pending until the claim is restored, because an empty disk in its place would be silent loss.
#pragma once

#include "operator/reconcile/cluster_context.h"
#include "operator/reconcile/outcome.h"

namespace millrace::reconcile {

[[nodiscard]] Outcome reconcile_volumes(ClusterContext& context);

// Every claim of the broker was made, so its StatefulSet may be.
[[nodiscard]] bool has_its_volumes(const ClusterContext& context, const resources::Broker& broker);

}  // namespace millrace::reconcile

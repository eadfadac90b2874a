// The size of a claim against the size that is asked for.
#pragma once

#include <optional>

#include "operator/reconcile/cluster_context.h"
#include "operator/reconcile/outcome.h"

namespace millrace::reconcile {

// Asks for the larger size where the storage class can grow. Nothing where the size is right.
[[nodiscard]] std::optional<Outcome> reconcile_size(ClusterContext& context, const nlohmann::json& claim,
                                                    const api::VolumeSpec& volume);

// Why a claim that is not bound may never be: its storage class is not there. Empty when nothing speaks against it.
[[nodiscard]] std::string why_unbound(ClusterContext& context, const nlohmann::json& claim);

}  // namespace millrace::reconcile

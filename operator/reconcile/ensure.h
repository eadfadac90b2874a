// Makes one owned object as it is wanted, by server-side apply, and only when it is not so already.
#pragma once

#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "broker/base/result.h"
#include "operator/reconcile/cluster_context.h"

namespace millrace::reconcile {

// Hash of what was applied last: fields that we no longer want are given up by applying again.
inline constexpr std::string_view applied_hash_annotation = "millrace.dev/applied-hash";

// Returns the object as it is then, also in context.objects. Errors: those of KubernetesApi, and
//   already_exists  an object of that name is somebody else's
//   unavailable     the object that is there is being deleted; it is made again when it is gone
[[nodiscard]] Result<nlohmann::json> ensure(ClusterContext& context, const kubernetes::ResourceType& type,
                                            nlohmann::json desired);

}  // namespace millrace::reconcile

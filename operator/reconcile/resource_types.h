// Our own resource, as the API client addresses it.
#pragma once

#include "operator/api/kafka_cluster.h"
#include "operator/kubernetes/object_reference.h"

namespace millrace::reconcile {

inline constexpr kubernetes::ResourceType kafka_clusters{api::group, api::version, api::kafka_cluster_plural,
                                                         api::kafka_cluster_kind, kubernetes::Scope::namespaced};

}  // namespace millrace::reconcile

// Which collection of the API server is meant, and the ones that the operator works with. A ResourceType's texts are
// literals: it is copied freely and never outlives them. Other layers make their own for custom resources:
//   constexpr ResourceType kafka_clusters{"millrace.dev", "v1alpha1", "kafkaclusters", "KafkaCluster",
//   Scope::namespaced};
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::kubernetes {

enum class Scope : std::uint8_t { namespaced, cluster };

struct ResourceType {
  std::string_view group{};    // empty for the core group
  std::string_view version{};  // v1
  std::string_view plural{};   // as in the URL: configmaps
  std::string_view kind{};     // as in the object: ConfigMap
  Scope scope = Scope::namespaced;

  // The object's apiVersion: v1 or apps/v1.
  [[nodiscard]] std::string api_version() const;

  friend bool operator==(const ResourceType&, const ResourceType&) = default;
};

inline constexpr ResourceType namespaces{"", "v1", "namespaces", "Namespace", Scope::cluster};
inline constexpr ResourceType nodes{"", "v1", "nodes", "Node", Scope::cluster};
inline constexpr ResourceType pods{"", "v1", "pods", "Pod"};
inline constexpr ResourceType services{"", "v1", "services", "Service"};
inline constexpr ResourceType endpoint_slices{"discovery.k8s.io", "v1", "endpointslices", "EndpointSlice"};
inline constexpr ResourceType secrets{"", "v1", "secrets", "Secret"};
inline constexpr ResourceType config_maps{"", "v1", "configmaps", "ConfigMap"};
inline constexpr ResourceType service_accounts{"", "v1", "serviceaccounts", "ServiceAccount"};
inline constexpr ResourceType persistent_volume_claims{"", "v1", "persistentvolumeclaims", "PersistentVolumeClaim"};
inline constexpr ResourceType persistent_volumes{"", "v1", "persistentvolumes", "PersistentVolume", Scope::cluster};
inline constexpr ResourceType events{"events.k8s.io", "v1", "events", "Event"};
inline constexpr ResourceType stateful_sets{"apps", "v1", "statefulsets", "StatefulSet"};
inline constexpr ResourceType controller_revisions{"apps", "v1", "controllerrevisions", "ControllerRevision"};
inline constexpr ResourceType pod_disruption_budgets{"policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget"};
inline constexpr ResourceType leases{"coordination.k8s.io", "v1", "leases", "Lease"};
inline constexpr ResourceType storage_classes{"storage.k8s.io", "v1", "storageclasses", "StorageClass", Scope::cluster};
inline constexpr ResourceType custom_resource_definitions{"apiextensions.k8s.io", "v1", "customresourcedefinitions",
                                                          "CustomResourceDefinition", Scope::cluster};
inline constexpr ResourceType self_subject_access_reviews{"authorization.k8s.io", "v1", "selfsubjectaccessreviews",
                                                          "SelfSubjectAccessReview", Scope::cluster};

}  // namespace millrace::kubernetes

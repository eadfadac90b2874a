// Names of objects: inside one collection (ObjectKey), and anywhere (ObjectReference).
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <string>

#include "operator/kubernetes/resource_type.h"

namespace millrace::kubernetes {

// What an informer indexes by and a work queue carries. namespace_name is empty for objects of cluster scope.
struct ObjectKey {
  std::string namespace_name{};
  std::string name{};

  // default/my-cluster, or my-node.
  [[nodiscard]] std::string text() const;

  friend auto operator<=>(const ObjectKey&, const ObjectKey&) = default;
};

struct ObjectReference {
  ResourceType type{};
  std::string namespace_name{};  // empty for objects of cluster scope
  std::string name{};

  [[nodiscard]] ObjectKey key() const { return ObjectKey{namespace_name, name}; }
  // For messages to people: ConfigMap default/my-cluster.
  [[nodiscard]] std::string text() const;

  friend bool operator==(const ObjectReference&, const ObjectReference&) = default;
};

}  // namespace millrace::kubernetes

template <>
struct std::hash<millrace::kubernetes::ObjectKey> {
  std::size_t operator()(const millrace::kubernetes::ObjectKey& key) const noexcept {
    return std::hash<std::string>{}(key.namespace_name) * 31 + std::hash<std::string>{}(key.name);
  }
};

#include "operator/kubernetes/object_reference.h"

namespace millrace::kubernetes {

std::string ResourceType::api_version() const {
  if (group.empty()) return std::string(version);
  return std::string(group) + "/" + std::string(version);
}

std::string ObjectKey::text() const { return namespace_name.empty() ? name : namespace_name + "/" + name; }

std::string ObjectReference::text() const { return std::string(type.kind) + " " + key().text(); }

}  // namespace millrace::kubernetes

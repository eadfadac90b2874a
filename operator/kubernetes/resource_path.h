// The API server's URLs: path and query, percent-encoded.
#pragma once

#include <string>
#include <string_view>

#include "operator/kubernetes/object_reference.h"

namespace millrace::kubernetes {

[[nodiscard]] std::string percent_encoded(std::string_view text);

// /api/v1/namespaces/default/configmaps; without a namespace the collection of all of them.
[[nodiscard]] std::string collection_path(const ResourceType& type, std::string_view namespace_name);
[[nodiscard]] std::string object_path(const ObjectReference& reference, std::string_view subresource);

class QueryString {
 public:
  QueryString& add(std::string_view key, std::string_view value);
  // Nothing for an empty value.
  QueryString& add_if(std::string_view key, std::string_view value);
  // ?a=b&c=d, or empty.
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace millrace::kubernetes

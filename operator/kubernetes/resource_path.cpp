#include "operator/kubernetes/resource_path.h"

namespace millrace::kubernetes {

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (char character : text) {
    if (unreserved.find(character) != std::string_view::npos) {
      encoded += character;
    } else {
      auto byte = static_cast<unsigned char>(character);
      encoded += '%';
      encoded += digits[byte >> 4];
      encoded += digits[byte & 15];
    }
  }
  return encoded;
}

std::string collection_path(const ResourceType& type, std::string_view namespace_name) {
  std::string path = type.group.empty() ? "/api/" : "/apis/" + std::string(type.group) + "/";
  path += type.version;
  if (type.scope == Scope::namespaced && !namespace_name.empty())
    path += "/namespaces/" + percent_encoded(namespace_name);
  path += "/";
  path += type.plural;
  return path;
}

std::string object_path(const ObjectReference& reference, std::string_view subresource) {
  std::string path = collection_path(reference.type, reference.namespace_name) + "/" + percent_encoded(reference.name);
  if (!subresource.empty()) path += "/" + std::string(subresource);
  return path;
}

QueryString& QueryString::add(std::string_view key, std::string_view value) {
  text_ += text_.empty() ? '?' : '&';
  text_ += key;
  text_ += '=';
  text_ += percent_encoded(value);
  return *this;
}

QueryString& QueryString::add_if(std::string_view key, std::string_view value) {
  return value.empty() ? *this : add(key, value);
}

}  // namespace millrace::kubernetes

// A znode's path: "/" or "/name/name". Which texts are paths is ZooKeeper's rule, whatever the store.
// Source: org.apache.zookeeper.common.PathUtils.validatePath.
#pragma once

#include <string>
#include <string_view>

#include "broker/base/result.h"

namespace millrace::metadata {

// Refused with invalid_argument, the path and the reason: not starting with '/', ending with '/', an empty name, "." or ".." as a
// name, malformed UTF-8, control characters, code points U+D800-U+F8FF, U+FFF0-U+FFFF and above.
Status validate_path(std::string_view path);

// "/a/b" -> "/a", "/a" -> "/". The root has no parent: an empty view. `path` is valid.
std::string_view parent_path(std::string_view path);
// "/a/b" -> "b". `path` is valid and not the root.
std::string_view base_name(std::string_view path);
// "/a", "b" -> "/a/b"; "/", "b" -> "/b".
std::string child_path(std::string_view parent, std::string_view name);

}  // namespace millrace::metadata

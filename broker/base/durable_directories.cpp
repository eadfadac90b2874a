#include "broker/base/durable_directories.h"

namespace millrace {

Status make_durable_directories(FileSystem& files, const std::string& path) {
  if (path.size() > 1 && path.ends_with('/')) return make_durable_directories(files, path.substr(0, path.size() - 1));
  if (path == "/" || path == ".") return {};
  auto there = files.exists(path);
  if (!there) return tl::unexpected(there.error());
  if (*there) return files.create_directories(path);  // which says so where it is none
  const auto slash = path.rfind('/');
  const auto above = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  return make_durable_directories(files, above).and_then([&] { return files.create_directories(path); }).and_then([&] {
    return files.sync_directory(above);
  });
}

}  // namespace millrace

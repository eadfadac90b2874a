// Who watches which path: the server's half of one-shot watches. Owned by one thread.
// Source: org.apache.zookeeper.server.watch.WatchManager; DataTree (which operation fires which kind).
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/metadata/znode.h"

namespace millrace::metadata {

class WatchTable {
 public:
  enum class Kind : std::uint8_t { data, children };

  // Left once, however often it is asked for.
  void add(Kind kind, const std::string& path, SessionId session);
  // Takes the watches that `change` fires and returns whose they are, each session once: data watches for created, data_changed and
  // deleted, child watches for children_changed and deleted.
  std::vector<SessionId> fire(const WatchEvent& change);
  void remove_session(SessionId session);
  [[nodiscard]] std::size_t size() const { return data_.size() + children_.size(); }  // watched paths

 private:
  using Watches = std::unordered_map<std::string, std::vector<SessionId>>;

  Watches data_;
  Watches children_;
};

}  // namespace millrace::metadata

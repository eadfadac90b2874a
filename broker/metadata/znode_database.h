// Znodes on disk: one SQLite database in WAL mode, every commit synced. Blocks; owned by one thread. SQLite stays in the .cpp.
//
//   znode(path PRIMARY KEY, data, czxid, mzxid, pzxid, ctime, mtime, version, children_created, ephemeral_owner)
//   meta(key PRIMARY KEY, value): zxid, the highest that was committed
//   application_id "MLRC", user_version the schema's
//
// Errors: corrupt, unsupported (a newer schema), io, no_space, permission_denied, conflict, each with the file's path.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "broker/base/result.h"
#include "broker/metadata/znode_tree.h"

namespace millrace::metadata {

class ZnodeDatabase {
 public:
  static constexpr int schema_version = 1;

  // Opens `path`, or makes it with a root znode in it, and checks its pages.
  static Result<std::unique_ptr<ZnodeDatabase>> open(const std::string& path);
  ZnodeDatabase(const ZnodeDatabase&) = delete;
  ZnodeDatabase& operator=(const ZnodeDatabase&) = delete;
  ~ZnodeDatabase();

  // The stored tree and zxid.
  Result<Zxid> load(ZnodeTree& tree);
  // Makes the touched znodes of `tree` and `zxid` durable in one transaction. After an error nothing of it is stored,
  // and only after no_space may another commit be tried: what an io error left in the page cache is not known.
  Status commit(const ZnodeTree& tree, Zxid zxid);

 private:
  class Connection;

  explicit ZnodeDatabase(std::unique_ptr<Connection> connection);

  std::unique_ptr<Connection> connection_;
};

}  // namespace millrace::metadata

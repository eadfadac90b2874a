// The znodes of an embedded store that no broker has open, for a command that reads or changes them and ends: everything blocks.
//
// Errors: conflict (a broker runs on it), not_found (open with must_exist), and those of znode_database.h.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/base/clock.h"
#include "broker/base/result.h"
#include "broker/metadata/znode_database.h"
#include "broker/metadata/znode_transfer.h"
#include "broker/metadata/znode_tree.h"

namespace millrace::metadata {

class EmbeddedZnodes {
 public:
  // Locks the store's directory until the object goes.
  static Result<std::unique_ptr<EmbeddedZnodes>> open(const std::string& directory, bool must_exist);

  [[nodiscard]] Result<ZnodeSnapshot> read() const;
  // All of them or none, durable.
  Status apply(const std::vector<Operation>& operations, const Clock& clock);

 private:
  EmbeddedZnodes() = default;

  std::string directory_;
  std::shared_ptr<void> lock_;
  std::unique_ptr<ZnodeDatabase> database_;
  ZnodeTree tree_;
  Zxid zxid_;
};

}  // namespace millrace::metadata

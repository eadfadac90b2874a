// Takes a cluster of one broker from the embedded store to a ZooKeeper or back, with nobody running on either. Blocks.
// What is taken over and what is refused: znode_transfer.h. The log directories are not touched.
#pragma once

#include <string>

#include "broker/base/clock.h"
#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/metadata/znode_transfer.h"

namespace millrace::metadata {

// `directory` is the embedded store's, `zookeeper` an address as in zookeeper.connect. The answer says what was taken over.
Result<ZnodeTransfer> export_cluster(const std::string& directory, const std::string& zookeeper);
// `broker` is the configured one, or none.
Result<ZnodeTransfer> import_cluster(const std::string& directory, const std::string& zookeeper, BrokerId broker,
                                     const Clock& clock);

}  // namespace millrace::metadata

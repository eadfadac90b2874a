// "meta.properties" in a log directory: which cluster and which broker it belongs to, in the version that a ZooKeeper-mode
// Kafka 3.9 writes (0).
//
//     #
//     #Sat Nov 21 12:08:39 UTC 2026
//     broker.id=7
//     version=0
//     cluster.id=1gdzRcRMRMyxOSdkj0JfkA
//
// Blocks. Errors: io and its kin; corrupt and unsupported name the file and the key.
#pragma once

#include <optional>
#include <string>

#include "broker/base/file.h"
#include "broker/base/result.h"
#include "broker/base/types.h"

namespace millrace::log {

struct MetaProperties {
  std::string cluster_id;
  BrokerId broker_id = BrokerId::none();

  friend bool operator==(const MetaProperties&, const MetaProperties&) = default;
};

// nullopt when there is no file.
Result<std::optional<MetaProperties>> read_meta_properties(FileSystem& files, const std::string& log_directory);
Status write_meta_properties(FileSystem& files, const std::string& log_directory, const MetaProperties& properties,
                             TimestampMs now);

}  // namespace millrace::log

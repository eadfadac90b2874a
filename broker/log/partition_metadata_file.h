// "partition.metadata" in a partition's directory: the id of the topic that it belongs to (KIP-516; Kafka: PartitionMetadataFile).
//
//     version: 0
//     topic_id: <22 characters of base64>            (no newline at the end)
//
// Blocks. Errors: io and its kin; corrupt names the file and what is wrong.
#pragma once

#include <optional>
#include <string>

#include "broker/base/file.h"
#include "broker/base/result.h"
#include "broker/base/uuid.h"

namespace millrace::log {

// nullopt when there is no file.
Result<std::optional<TopicId>> read_partition_metadata(FileSystem& files, const std::string& directory);
Status write_partition_metadata(FileSystem& files, const std::string& directory, const TopicId& topic_id);

}  // namespace millrace::log

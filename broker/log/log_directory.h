// One of a broker's log directories: its names, its lock, what lies in it (Kafka: LogManager.createAndValidateLogDirs,
// LocalLog.parseTopicPartitionName, LogDirFailureChannel's names).
//
//   <topic>-<partition>                     a partition
//   <topic>-<partition>.<id>-delete         a partition whose files are about to be removed
//   <topic>-<partition>.<id>-future         a copy that moves here from another directory
//   <topic>-<partition>.<id>-stray          a partition that the cluster no longer assigns here
//
// Blocks.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/file.h"
#include "broker/base/random.h"
#include "broker/base/result.h"
#include "broker/base/types.h"

namespace millrace::log {

enum class PartitionDirectoryKind : std::uint8_t { current, deleted, future, stray };

struct PartitionDirectory {
  std::string name;
  PartitionDirectoryKind kind = PartitionDirectoryKind::current;
  TopicPartition partition;
};

// nullopt when `name` is none of the forms above.
std::optional<PartitionDirectory> parse_partition_directory(std::string_view name);
std::string partition_directory_name(const TopicPartition& partition);
// At most 255 characters: a long topic's name is cut.
std::string deleted_directory_name(const TopicPartition& partition, Random& random);
// The same for what the cluster does not know.
std::string stray_directory_name(const TopicPartition& partition, Random& random);
// The same for a copy; nullopt when the topic's name leaves no room for it: nothing of it can be cut (KAFKA-4893).
std::optional<std::string> future_directory_name(const TopicPartition& partition, Random& random);

// Makes the directory when it is absent and takes its lock (".lock", which Kafka takes too) for as long as the returned object
// lives. Errors: conflict, permission_denied, io.
Result<std::shared_ptr<void>> lock_log_directory(FileSystem& files, const std::string& log_directory);

// The partition directories in no order. A directory of another form is invalid_argument with its name; lost+found is passed over.
Result<std::vector<PartitionDirectory>> scan_log_directory(FileSystem& files, const std::string& log_directory);

// As requests and answers name a log directory, which is what Kafka's java.io.File makes of log.dirs: absolute, without doubled or
// closing slashes; "." and ".." stay.
std::string shown_directory_name(const std::string& path);

// 20 digits and the suffix: "00000000000000000042.log".
std::string segment_file_name(Offset base_offset, std::string_view suffix);
// The offset of a name of that form with that suffix.
std::optional<Offset> parse_segment_file_name(std::string_view name, std::string_view suffix);

inline constexpr std::string_view log_suffix = ".log";
inline constexpr std::string_view offset_index_suffix = ".index";
inline constexpr std::string_view time_index_suffix = ".timeindex";
inline constexpr std::string_view transaction_index_suffix = ".txnindex";
inline constexpr std::string_view producer_snapshot_suffix = ".snapshot";

}  // namespace millrace::log

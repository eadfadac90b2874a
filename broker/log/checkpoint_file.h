// Kafka's text checkpoints: a version line (0), the number of entries, one line each; words parted by one blank.
// Replaced as a whole (.tmp, sync, rename), so that a reader finds the old or the new one. An empty file, which Kafka makes
// for a new directory, has no entries (Kafka: CheckpointFile).
//
//   <log dir>/recovery-point-offset-checkpoint     topic partition offset: everything below is on disk
//   <log dir>/log-start-offset-checkpoint          topic partition offset: nothing below is readable
//   <log dir>/replication-offset-checkpoint        topic partition offset: the high watermark
//   <log dir>/cleaner-offset-checkpoint            topic partition offset: compacted up to here
//   <log dir>/scrub-offset-checkpoint              topic partition offset: one line, the segment that the scrubber reads next
//   <partition dir>/leader-epoch-checkpoint        epoch start-offset
//
// All calls block. Errors: io and its kin; corrupt names the file, the line and what was expected.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/file.h"
#include "broker/base/result.h"
#include "broker/base/types.h"

namespace millrace::log {

inline constexpr std::string_view recovery_point_checkpoint_name = "recovery-point-offset-checkpoint";
inline constexpr std::string_view log_start_checkpoint_name = "log-start-offset-checkpoint";
inline constexpr std::string_view high_watermark_checkpoint_name = "replication-offset-checkpoint";
inline constexpr std::string_view cleaner_checkpoint_name = "cleaner-offset-checkpoint";
inline constexpr std::string_view scrub_checkpoint_name = "scrub-offset-checkpoint";
inline constexpr std::string_view leader_epoch_checkpoint_name = "leader-epoch-checkpoint";

// The lines after the count, each split at blanks. An absent file has none.
Result<std::vector<std::vector<std::string>>> read_checkpoint_lines(FileSystem& files, const std::string& path,
                                                                    std::size_t words_per_line);
Status write_checkpoint_lines(FileSystem& files, const std::string& path, const std::vector<std::string>& lines);

using PartitionOffsets = std::map<TopicPartition, Offset>;

Result<PartitionOffsets> read_offset_checkpoint(FileSystem& files, const std::string& path);
Status write_offset_checkpoint(FileSystem& files, const std::string& path, const PartitionOffsets& offsets);

struct EpochStart {
  LeaderEpoch epoch;
  Offset start_offset;

  friend bool operator==(const EpochStart&, const EpochStart&) = default;
};

Result<std::vector<EpochStart>> read_epoch_checkpoint(FileSystem& files, const std::string& path);
Status write_epoch_checkpoint(FileSystem& files, const std::string& path, const std::vector<EpochStart>& epochs);

}  // namespace millrace::log

// One log directory while a broker has it: its lock, its identity, its checkpoints, whether the last stop was clean. Blocks; used by
// one thread at a time, except write_checkpoints, which any thread may call.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/base/file.h"
#include "broker/base/result.h"
#include "broker/base/types.h"
#include "broker/log/checkpoint_file.h"
#include "broker/log/log_directory.h"
#include "broker/log/meta_properties.h"

namespace millrace::log {

// What the checkpoint files say of one log.
struct CheckpointedOffsets {
  Offset recovery_point{0};
  Offset log_start{0};
  Offset high_watermark{0};
  std::optional<Offset> cleaned_to{};  // compacted up to here; nullopt: never
};

struct DirectoryCheckpoints {
  PartitionOffsets recovery_points;
  PartitionOffsets log_starts;
  PartitionOffsets high_watermarks;
  PartitionOffsets cleaned;  // up to where compaction has come

  [[nodiscard]] CheckpointedOffsets of(const TopicPartition& partition) const;
};

class ManagedDirectory {
 public:
  // `number`: among the broker's directories.
  ManagedDirectory(FileSystem& files, std::string path, std::size_t number = 0)
      : files_(files), path_(std::move(path)), number_(number) {}

  // Lock, meta.properties, clean shutdown marker.
  Status open();
  // Writes meta.properties when there is none.
  Status set_identity(const MetaProperties& identity, TimestampMs now);
  // An unreadable one is no reason to stop: without its numbers more is checked at the start.
  DirectoryCheckpoints read_checkpoints();
  // What is written is what `now` gives when it is this writer's turn: of two writers the later one has the newer numbers.
  Status write_checkpoints(const std::function<DirectoryCheckpoints()>& now);
  // The same of one of them.
  Status write_checkpoint(std::string_view name, const std::function<PartitionOffsets()>& now);
  // Takes the marker away: a broker that dies from now on has not stopped cleanly.
  Status begin_use();
  Status end_use_cleanly(BrokerEpoch broker_epoch);
  void unlock() { lock_.reset(); }

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::size_t number() const { return number_; }
  [[nodiscard]] const std::optional<MetaProperties>& identity() const { return identity_; }
  [[nodiscard]] const std::optional<BrokerEpoch>& clean_shutdown() const { return clean_shutdown_; }

  std::atomic<std::size_t> logs{0};  // that live here

 private:
  PartitionOffsets read(std::string_view name);
  // Nothing when the file has them.
  Status write(std::string_view name, const PartitionOffsets& offsets);

  FileSystem& files_;
  const std::string path_;
  const std::size_t number_;
  std::shared_ptr<void> lock_;
  std::optional<MetaProperties> identity_;
  std::optional<BrokerEpoch> clean_shutdown_;
  std::map<std::string, PartitionOffsets, std::less<>> written_;  // by file, since the start
  std::mutex writing_;  // held while checkpoint files are replaced: two writers would share their temporary file
};

}  // namespace millrace::log

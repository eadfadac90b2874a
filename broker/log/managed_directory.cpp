#include "broker/log/managed_directory.h"

#include <algorithm>

#include "broker/base/logging.h"
#include "broker/log/clean_shutdown_file.h"

namespace millrace::log {
namespace {

constexpr Logger logger{"log"};

Offset offset_of(const PartitionOffsets& offsets, const TopicPartition& partition) {
  auto at = offsets.find(partition);
  return at == offsets.end() ? Offset(0) : at->second;
}

}  // namespace

CheckpointedOffsets DirectoryCheckpoints::of(const TopicPartition& partition) const {
  CheckpointedOffsets offsets{offset_of(recovery_points, partition), offset_of(log_starts, partition),
                              offset_of(high_watermarks, partition)};
  if (const auto at = cleaned.find(partition); at != cleaned.end()) offsets.cleaned_to = at->second;
  return offsets;
}

Status ManagedDirectory::open() {
  auto lock = lock_log_directory(files_, path_);
  if (!lock) return tl::unexpected(lock.error());
  lock_ = std::move(*lock);
  auto identity = read_meta_properties(files_, path_);
  if (!identity) return tl::unexpected(identity.error());
  identity_ = std::move(*identity);
  auto clean = read_clean_shutdown(files_, path_);
  if (!clean) return tl::unexpected(clean.error());
  clean_shutdown_ = *clean;
  return {};
}

Status ManagedDirectory::set_identity(const MetaProperties& identity, TimestampMs now) {
  if (identity_) return {};
  if (auto written = write_meta_properties(files_, path_, identity, now); !written) return written;
  identity_ = identity;
  return {};
}

PartitionOffsets ManagedDirectory::read(std::string_view name) {
  auto offsets = read_offset_checkpoint(files_, path_ + "/" + std::string(name));
  if (offsets) return std::move(*offsets);
  logger.warning(offsets.error().message + "; it is ignored");
  return {};
}

Status ManagedDirectory::write(std::string_view name, const PartitionOffsets& offsets) {
  if (auto known = written_.find(name); known != written_.end() && known->second == offsets) return {};
  written_.erase(std::string(name));
  auto written = write_offset_checkpoint(files_, path_ + "/" + std::string(name), offsets);
  if (written) written_.emplace(name, offsets);
  return written;
}

DirectoryCheckpoints ManagedDirectory::read_checkpoints() {
  DirectoryCheckpoints checkpoints{
      read(recovery_point_checkpoint_name), read(log_start_checkpoint_name), read(high_watermark_checkpoint_name), {}};
  // Mostly there is none, and none is to be made before something is compacted.
  const auto path = path_ + "/" + std::string(cleaner_checkpoint_name);
  if (auto cleaned = read_offset_checkpoint(files_, path)) {
    checkpoints.cleaned = *cleaned;
    std::lock_guard lock(writing_);
    written_.insert_or_assign(std::string(cleaner_checkpoint_name), std::move(*cleaned));
  } else {
    logger.warning(cleaned.error().message + "; it is ignored");
  }
  return checkpoints;
}

Status ManagedDirectory::write_checkpoints(const std::function<DirectoryCheckpoints()>& now) {
  std::lock_guard lock(writing_);
  const auto checkpoints = now();
  return write(recovery_point_checkpoint_name, checkpoints.recovery_points)
      .and_then([&] { return write(log_start_checkpoint_name, checkpoints.log_starts); })
      .and_then([&] { return write(high_watermark_checkpoint_name, checkpoints.high_watermarks); })
      .and_then([&] { return write(cleaner_checkpoint_name, checkpoints.cleaned); });
}

Status ManagedDirectory::write_checkpoint(std::string_view name, const std::function<PartitionOffsets()>& now) {
  std::lock_guard lock(writing_);
  return write(name, now());
}

Status ManagedDirectory::begin_use() { return remove_clean_shutdown(files_, path_); }

Status ManagedDirectory::end_use_cleanly(BrokerEpoch broker_epoch) {
  return write_clean_shutdown(files_, path_, broker_epoch);
}

}  // namespace millrace::log

#include "broker/log/segment_removal.h"

#include "broker/log/log_directory.h"
#include "broker/log/log_environment.h"

namespace millrace::log {
namespace {

std::string snapshot_path(const RetiredSegments& retired, Offset offset) {
  return retired.directory + "/" + segment_file_name(offset, producer_snapshot_suffix);
}

Status unless_absent(Status status) {
  if (!status && status.error().kind == ErrorKind::not_found) return {};
  return status;
}

}  // namespace

std::string_view text_of(RemovalReason reason) {
  switch (reason) {
    case RemovalReason::below_log_start:
      return "it lies below the log's start";
    case RemovalReason::too_large:
      return "the log is larger than retention.bytes";
    case RemovalReason::too_old:
      return "its records are older than retention.ms";
    case RemovalReason::truncated:
      return "the log is truncated";
    case RemovalReason::compacted:
      return "a compacted one takes its place";
  }
  return "";
}

std::vector<Offset> snapshots_of(const std::vector<std::unique_ptr<LogSegment>>& segments) {
  std::vector<Offset> offsets;
  offsets.reserve(segments.size());
  for (const auto& segment : segments) offsets.push_back(segment->base_offset());
  return offsets;
}

Status mark_deleted(const RetiredSegments& retired) {
  auto& files = retired.environment->files;
  for (const auto& segment : retired.segments) {
    if (auto renamed = segment->change_suffix("", deleted_suffix); !renamed) return renamed;
    for (const auto& file : segment->files()) file->forget();
  }
  for (auto offset : retired.snapshots) {
    const auto path = snapshot_path(retired, offset);
    if (auto renamed = unless_absent(files.rename(path, path + std::string(deleted_suffix))); !renamed) return renamed;
  }
  return files.sync_directory(retired.directory);
}

Status remove_deleted(const RetiredSegments& retired) {
  auto& files = retired.environment->files;
  for (const auto& segment : retired.segments) {
    for (const auto& file : segment->files()) {
      const auto path = file->path();
      if (!path.ends_with(deleted_suffix)) continue;
      if (auto removed = unless_absent(files.remove(path)); !removed) return removed;
      file->forget();
    }
  }
  for (auto offset : retired.snapshots) {
    const auto path = snapshot_path(retired, offset) + std::string(deleted_suffix);
    if (auto removed = unless_absent(files.remove(path)); !removed) return removed;
  }
  return {};
}

}  // namespace millrace::log

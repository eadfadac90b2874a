#include "broker/log/segment_swap.h"

#include "broker/log/log_environment.h"

namespace millrace::log {
namespace {

constexpr std::string_view cleaned_suffix = ".cleaned";
constexpr std::string_view swap_suffix = ".swap";

}  // namespace

Status swap_in(LogSegment& cleaned, const RetiredSegments& old) {
  auto& files = old.environment->files;
  return cleaned.change_suffix(cleaned_suffix, swap_suffix)
      .and_then([&] { return files.sync_directory(old.directory); })
      .and_then([&] { return mark_deleted(old); })
      .and_then([&] { return cleaned.change_suffix(swap_suffix, ""); })
      .and_then([&] { return files.sync_directory(old.directory); });
}

std::vector<Offset> snapshots_of_replaced(const std::vector<std::unique_ptr<LogSegment>>& old) {
  auto offsets = snapshots_of(old);
  if (!offsets.empty()) offsets.erase(offsets.begin());
  return offsets;
}

}  // namespace millrace::log

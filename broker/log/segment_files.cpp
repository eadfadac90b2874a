#include "broker/log/segment_files.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include "broker/base/logging.h"
#include "broker/log/batch_scanner.h"
#include "broker/log/log_directory.h"
#include "broker/log/segment_removal.h"

namespace millrace::log {
namespace {

constexpr Logger logger{"log"};
constexpr std::string_view cleaned_suffix = ".cleaned";
constexpr std::string_view swap_suffix = ".swap";
constexpr std::string_view temporary_suffix = ".tmp";
constexpr std::array segment_suffixes{log_suffix, offset_index_suffix, time_index_suffix, transaction_index_suffix};

Status remove_file(FileSystem& files, const std::string& path, std::string_view why) {
  logger.info("removing " + path + ": " + std::string(why));
  return files.remove(path);
}

// The offset of "<20 digits><.log, .index, …>".
std::optional<Offset> segment_offset(std::string_view name) {
  for (auto suffix : segment_suffixes) {
    if (auto offset = parse_segment_file_name(name, suffix)) return offset;
  }
  return std::nullopt;
}

Result<Offset> next_offset_of(FileSystem& files, const std::string& path, Offset base_offset) {
  auto file = files.open(path, OpenMode::read_only);
  if (!file) return tl::unexpected(file.error());
  auto size = (*file)->size_bytes();
  if (!size) return tl::unexpected(size.error());
  Offset next = base_offset;
  BatchScanner scanner(**file, 0, *size);
  while (true) {
    auto more = scanner.next();
    if (!more) return tl::unexpected(more.error());
    if (!*more) return next;
    next = scanner.batch().last_offset + 1;
  }
}

struct LeftOvers {
  std::vector<std::string> swap;                                   // names, with the suffix
  Offset first_cleaned{std::numeric_limits<std::int64_t>::max()};  // of a compaction that had not finished
};

Result<LeftOvers> remove_temporary(FileSystem& files, const std::string& directory,
                                   const std::vector<FileSystem::Entry>& entries) {
  LeftOvers left;
  for (const auto& entry : entries) {
    std::string_view name = entry.name;
    const auto path = directory + "/" + entry.name;
    if (entry.is_directory) continue;
    if (name.ends_with(swap_suffix)) {
      left.swap.push_back(entry.name);
    } else if (name.ends_with(deleted_suffix) || name.ends_with(cleaned_suffix) || name.ends_with(temporary_suffix)) {
      if (name.ends_with(cleaned_suffix)) {
        // Any of a segment's files: the log file is renamed first, and without its indexes the segment is not whole.
        if (auto offset = segment_offset(name.substr(0, name.size() - cleaned_suffix.size())))
          left.first_cleaned = std::min(left.first_cleaned, *offset);
      }
      if (auto removed = remove_file(files, path, "left over from work that was interrupted"); !removed) {
        return tl::unexpected(removed.error());
      }
    }
  }
  return left;
}

// Swap files are segments that compaction has finished: they take the place of the segments whose offsets they cover.
Status complete_swaps(FileSystem& files, const std::string& directory, const LeftOvers& left,
                      const std::vector<FileSystem::Entry>& entries) {
  Offset first{std::numeric_limits<std::int64_t>::max()};
  Offset end{std::numeric_limits<std::int64_t>::min()};
  std::vector<std::string> renamed;
  for (const auto& swap : left.swap) {
    auto name = swap.substr(0, swap.size() - swap_suffix.size());
    const auto path = directory + "/" + swap;
    auto offset = segment_offset(name);
    if (!offset || *offset >= left.first_cleaned) {
      if (auto removed = remove_file(files, path, "part of a compaction that had not finished"); !removed)
        return removed;
      continue;
    }
    renamed.push_back(name);
    if (!name.ends_with(log_suffix)) continue;
    auto next = next_offset_of(files, path, *offset);
    if (!next) return tl::unexpected(next.error());
    first = std::min(first, *offset);
    end = std::max(end, *next);
  }
  for (const auto& entry : entries) {
    auto offset = parse_segment_file_name(entry.name, log_suffix);
    if (!offset || *offset < first || *offset >= end) continue;
    for (auto suffix : segment_suffixes) {
      auto removed = files.remove(directory + "/" + segment_file_name(*offset, suffix));
      if (!removed && removed.error().kind != ErrorKind::not_found) return removed;
    }
    logger.info("removed segment " + entry.name + " of " + directory + ": a compacted one replaces it");
  }
  for (const auto& name : renamed) {
    const auto path = directory + "/" + name;
    if (auto done = files.rename(path + std::string(swap_suffix), path); !done) return done;
  }
  return {};
}

}  // namespace

Result<SegmentFiles> tidy_segment_files(FileSystem& files, const std::string& directory) {
  auto entries = files.list(directory);
  if (!entries) return tl::unexpected(entries.error());
  auto left = remove_temporary(files, directory, *entries);
  if (!left) return tl::unexpected(left.error());
  if (!left->swap.empty()) {
    if (auto done = complete_swaps(files, directory, *left, *entries); !done) return tl::unexpected(done.error());
    entries = files.list(directory);
    if (!entries) return tl::unexpected(entries.error());
  }
  SegmentFiles found;
  for (const auto& entry : *entries) {
    if (auto offset = parse_segment_file_name(entry.name, log_suffix)) found.segments.push_back(*offset);
    if (auto offset = parse_segment_file_name(entry.name, producer_snapshot_suffix)) found.snapshots.push_back(*offset);
  }
  std::ranges::sort(found.segments);
  std::ranges::sort(found.snapshots);
  for (const auto& entry : *entries) {
    auto offset = segment_offset(entry.name);
    if (!offset || entry.name.ends_with(log_suffix) || std::ranges::binary_search(found.segments, *offset)) continue;
    if (auto removed = remove_file(files, directory + "/" + entry.name, "an index without its log file"); !removed) {
      return tl::unexpected(removed.error());
    }
  }
  return found;
}

}  // namespace millrace::log

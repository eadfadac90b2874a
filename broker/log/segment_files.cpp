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
  std::vector<std::string> temporary;                              // names
  std::vector<std::string> swap;                                   // the same, with the suffix
  Offset first_cleaned{std::numeric_limits<std::int64_t>::max()};  // of a compaction that had not finished
  bool of_compaction = false;
};

LeftOvers find_left_overs(const std::vector<FileSystem::Entry>& entries) {
  LeftOvers left;
  for (const auto& entry : entries) {
    std::string_view name = entry.name;
    if (entry.is_directory) continue;
    if (name.ends_with(swap_suffix)) {
      left.swap.push_back(entry.name);
      left.of_compaction = true;
    } else if (name.ends_with(cleaned_suffix)) {
      // Any of a segment's files: the log file is renamed first, and without its indexes the segment is not whole.
      if (auto offset = segment_offset(name.substr(0, name.size() - cleaned_suffix.size())))
        left.first_cleaned = std::min(left.first_cleaned, *offset);
      left.temporary.push_back(entry.name);
      left.of_compaction = true;
    } else if (name.ends_with(deleted_suffix) || name.ends_with(temporary_suffix)) {
      left.temporary.push_back(entry.name);
    }
  }
  return left;
}

// What tells that they are not finished goes after them.
Status remove_unfinished(FileSystem& files, const std::string& directory, LeftOvers& left) {
  std::vector<std::string> finished;
  for (auto& swap : left.swap) {
    const auto offset = segment_offset(std::string_view(swap).substr(0, swap.size() - swap_suffix.size()));
    if (offset && *offset < left.first_cleaned) {
      finished.push_back(std::move(swap));
      continue;
    }
    auto removed = remove_file(files, directory + "/" + swap, "part of a compaction that had not finished");
    if (!removed) return removed;
  }
  left.swap = std::move(finished);
  for (const auto& name : left.temporary) {
    auto removed = remove_file(files, directory + "/" + name, "left over from work that was interrupted");
    if (!removed) return removed;
  }
  return {};
}

struct OffsetRange {
  Offset first{std::numeric_limits<std::int64_t>::max()};
  Offset end{std::numeric_limits<std::int64_t>::min()};

  [[nodiscard]] bool holds(Offset offset) const { return offset >= first && offset < end; }
};

// What the swapped log files cover; `names` are those that they get.
Result<OffsetRange> range_of(FileSystem& files, const std::string& directory, const std::vector<std::string>& names) {
  OffsetRange range;
  for (const auto& name : names) {
    const auto offset = parse_segment_file_name(name, log_suffix);
    if (!offset) continue;
    auto next = next_offset_of(files, directory + "/" + name + std::string(swap_suffix), *offset);
    if (!next) return tl::unexpected(next.error());
    range.first = std::min(range.first, *offset);
    range.end = std::max(range.end, *next);
  }
  return range;
}

// Swap files are segments that compaction has finished: they take the place of the segments whose offsets they cover. Of
// an old one the log file may be gone already, and what is left of it must not come to be the new one's: a new segment has
// no transaction index where compaction has removed all that was aborted. The log files get their names first, so that
// while one of them has none, no other file of the segment is new.
Status complete_swaps(FileSystem& files, const std::string& directory, const LeftOvers& left,
                      const std::vector<FileSystem::Entry>& entries) {
  std::vector<std::string> names;
  names.reserve(left.swap.size());
  for (const auto& swap : left.swap) names.push_back(swap.substr(0, swap.size() - swap_suffix.size()));
  std::ranges::partition(names, [](const std::string& name) { return name.ends_with(log_suffix); });
  const auto range = range_of(files, directory, names);
  if (!range) return tl::unexpected(range.error());
  for (const auto& entry : entries) {
    const auto offset = segment_offset(entry.name);
    if (!offset || !range->holds(*offset)) continue;
    auto removed = remove_file(files, directory + "/" + entry.name, "a compacted segment replaces it");
    if (!removed) return removed;
  }
  for (const auto& name : names) {
    const auto path = directory + "/" + name;
    if (auto done = files.rename(path + std::string(swap_suffix), path); !done) return done;
  }
  return {};
}

}  // namespace

Result<SegmentFiles> tidy_segment_files(FileSystem& files, const std::string& directory) {
  auto entries = files.list(directory);
  if (!entries) return tl::unexpected(entries.error());
  auto left = find_left_overs(*entries);
  auto done = remove_unfinished(files, directory, left);
  if (done && !left.swap.empty()) done = complete_swaps(files, directory, left, *entries);
  // What this start has found to be so, the next one finds, too.
  if (done && left.of_compaction) done = files.sync_directory(directory);
  if (!done) return tl::unexpected(done.error());
  if (!left.swap.empty()) {
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

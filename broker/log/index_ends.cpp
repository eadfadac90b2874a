#include "broker/log/index_ends.h"

#include <vector>

#include "broker/log/batch_scanner.h"

namespace millrace::log {
namespace {

constexpr std::size_t read_ahead_bytes = 64 * 1024;

// The largest timestamp of the segment: the batches behind the last entry of its offset index are read. corrupt when
// those are more than an index leaves out: not counted are those that were appended together with the entry's, as Kafka before
// 3.9.1 made one entry for all that a follower got at once.
Result<MaxTimestamp> find_max_timestamp(const LogSegment& segment, std::int32_t index_interval_bytes) {
  const auto view = segment.view();
  auto entry = view.offset_index.lookup(segment.offset_index().last_offset());
  if (!entry) return tl::unexpected(entry.error());
  auto file = view.log_file->open();
  if (!file) return tl::unexpected(file.error());
  auto largest = segment.max_timestamp();
  BatchScanner scanner(**file, entry->position, view.size_bytes, read_ahead_bytes);
  auto more = scanner.next();
  for (; more && *more; more = scanner.next()) {
    if (scanner.batch().base_offset > entry->offset &&
        scanner.batch().position - entry->position > static_cast<std::uint64_t>(index_interval_bytes))
      return fail(ErrorKind::corrupt, segment.offset_index().file()->path() + " ends before its segment does");
    if (scanner.batch().max_timestamp > largest.timestamp)
      largest = {scanner.batch().max_timestamp, scanner.batch().last_offset};
  }
  if (!more) return tl::unexpected(more.error());
  if (scanner.next_position() != view.size_bytes)
    return fail(ErrorKind::corrupt, view.log_file->path() + " does not end with a whole batch");
  return largest;
}

// A page that the power took along has zeros where the first entries were, and a first entry may be like that.
Status check_last_time(LogSegment& segment) {
  if (segment.time_index().entries() == 0) return {};
  const auto last = segment.time_index().last();
  auto batch = segment.view().find_batch(last.offset);
  if (!batch) return tl::unexpected(batch.error());
  if (*batch && (*batch)->base_offset <= last.offset && (*batch)->max_timestamp == last.timestamp) return {};
  return fail(ErrorKind::corrupt, segment.time_index().file()->path() + ": its last entry, timestamp " +
                                      std::to_string(last.timestamp.value()) + " of offset " +
                                      std::to_string(last.offset.value()) + ", is of no batch");
}

}  // namespace

Status check_index_ends(FileSystem& files, const std::string& directory, LogSegment& segment, Offset end,
                        std::int32_t index_interval_bytes) {
  if (segment.offset_index().last_offset() >= end || segment.max_timestamp().offset >= end)
    return fail(ErrorKind::corrupt, segment.log_file()->path() + ": an index has entries behind the segment's end");
  if (auto true_of_batch = check_last_time(segment); !true_of_batch) return true_of_batch;
  auto largest = find_max_timestamp(segment, index_interval_bytes);
  if (!largest) return tl::unexpected(largest.error());
  if (largest->timestamp == segment.max_timestamp().timestamp) return {};
  segment.set_recovered(segment.size_bytes(), *largest, segment.first_batch_timestamp());
  return segment.seal().and_then([&] { return sync_indexes(files, directory, segment); });
}

Status sync_indexes(FileSystem& files, const std::string& directory, LogSegment& segment) {
  std::vector indexes{segment.offset_index().file(), segment.time_index().file()};
  if (!segment.transaction_index().empty()) indexes.push_back(segment.transaction_index().file());
  for (const auto& cached : indexes) {
    auto synced = cached->open().and_then([](const auto& file) { return file->sync(); });
    if (!synced) return synced;
  }
  return files.sync_directory(directory);
}

}  // namespace millrace::log

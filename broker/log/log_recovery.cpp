#include "broker/log/log_recovery.h"

#include "broker/base/logging.h"
#include "broker/log/damage.h"
#include "broker/log/index_ends.h"
#include "broker/log/log_directory.h"

namespace millrace::log {
namespace {

constexpr Logger logger{"log"};

DirectoryProgress* progress_of(LogEnvironment& environment, const std::string& path) {
  const auto number = environment.health->directory_of(path);
  return number < environment.directories.size() ? &environment.directories[number] : nullptr;
}

// "<path>: at position 71 of 90 (offset 1) <what is wrong>"
std::string describe_end(const LogSegment& segment, const SegmentScan& scan) {
  return segment.log_file()->path() + ": at position " + std::to_string(scan.valid_bytes) + " of " +
         std::to_string(scan.file_bytes) + " (offset " + std::to_string(scan.next_offset.value()) + ") " +
         (scan.why.empty() ? "the file ends within a batch" : scan.why);
}

}  // namespace

LogRecovery::LogRecovery(LoadContext& load, EpochRecovery& epochs, ProducerRecovery& producers,
                         JournalRecovery& journal)
    : load_(load),
      epochs_(epochs),
      producers_(producers),
      journal_(journal),
      progress_(load.environment.clock, load.request.directory, progress_of(load.environment, load.request.directory)) {
}

Status LogRecovery::recover_from(std::size_t first) {
  const auto& segments = load_.log.segments;
  // A cut may have taken it along.
  if (first < segments.size()) progress_.expect(segments.size() - first);
  for (auto number = first; number < segments.size(); ++number) {
    if (auto recovered = recover(number); !recovered) return recovered;
    if (auto joined = check_join(number); !joined) return joined;
  }
  return restore_end();
}

Status LogRecovery::rebuild_indexes(std::size_t number) {
  progress_.expect(1);
  return recover(number).and_then(
      [&] { return sync_indexes(load_.files(), load_.request.directory, *load_.log.segments[number]); });
}

Status LogRecovery::recover(std::size_t number) {
  auto& log = load_.log;
  auto& segment = *log.segments[number];
  auto scanned = scan(number);
  if (!scanned) return tl::unexpected(scanned.error());
  scan_ = std::move(*scanned);
  for (const auto& doubt : scan_.doubts)
    log.damage->found_batch(FoundBy::recovery, segment.base_offset(), segment.log_file()->path() + " " + doubt);
  producers_.followed(number, scan_.next_offset);
  ++log.report.segments_scanned;
  progress_.recovered();
  last_recovered_ = &segment;
  if (scan_.whole()) return {};
  const auto where = describe_end(segment, scan_);
  load_.environment.damage->count_batch(FoundBy::recovery);
  const bool next_joins =
      number + 1 < log.segments.size() && log.segments[number + 1]->base_offset() == scan_.next_offset;
  if (next_joins) return cut(number, where, log.segments.size());
  if (scan_.next_offset < load_.request.recovery_point) {
    return fail(ErrorKind::corrupt, where + "; everything below offset " +
                                        std::to_string(load_.request.recovery_point.value()) +
                                        " had been synced to the disk, so nothing is cut off");
  }
  return cut(number, where, number + 1);
}

// Reads the segment's batches; producers and epochs follow those that are good.
Result<SegmentScan> LogRecovery::scan(std::size_t number) {
  auto& segment = *load_.log.segments[number];
  const auto interval = load_.request.config.index_interval_bytes;
  if (auto ready = producers_.bring_to(number); !ready) return tl::unexpected(ready.error());
  epochs_.forget_from(segment.base_offset());  // of a segment to which the journal has added
  const auto seen_before = epochs_.seen();
  const auto least_epoch = epochs_.latest_seen();
  auto visit = [&](const File& file, const ScannedBatch& batch) -> Status {
    progress_.checked(file.path(), batch.end_position());
    epochs_.saw(batch);
    return producers_.follow(segment, file, batch);
  };
  auto found = recover_segment(segment, interval, least_epoch, visit);
  if (found && !found->misplaced) return sync_transactions(segment).map([&] { return std::move(*found); });
  if (!found) return found;
  // What was built of the batch that is in a wrong place is built anew without it.
  epochs_.back_to(seen_before);
  producers_.forget();
  if (auto ready = producers_.bring_to(number); !ready) return tl::unexpected(ready.error());
  found = recover_segment(segment, interval, least_epoch, visit, found->misplaced);
  if (!found) return found;
  return sync_transactions(segment).map([&] { return std::move(*found); });
}

// Where records of the segment had been synced, no flush needs to come by again, and at a later start nothing shows that its index
// of aborted transactions lacks some.
Status LogRecovery::sync_transactions(const LogSegment& segment) {
  const auto& index = segment.transaction_index();
  if (index.empty() || segment.base_offset() >= load_.request.recovery_point) return {};
  return index.file()->open().and_then([](const auto& file) { return file->sync(); }).and_then([&] {
    return load_.files().sync_directory(load_.request.directory);
  });
}

// Whether the segment behind `number`, which was recovered just now, begins where that one ends.
Status LogRecovery::check_join(std::size_t number) {
  const auto& request = load_.request;
  const auto& segments = load_.log.segments;
  if (number + 1 >= segments.size()) return {};
  const auto next_base = segments[number + 1]->base_offset();
  const auto path = segments[number]->log_file()->path();
  if (scan_.next_offset > next_base && number + 2 == segments.size()) {
    // A roll that failed removes the file that it had begun, but that removal may not have reached the disk.
    auto size = last_file_bytes();
    if (!size) return tl::unexpected(size.error());
    if (*size == 0) return drop_from(number + 1).map([](std::uint64_t) {});
  }
  if (scan_.next_offset > next_base) {
    return fail(ErrorKind::corrupt, path + " has offsets up to " + std::to_string(scan_.next_offset.value() - 1) +
                                        ", and another segment begins at " + std::to_string(next_base.value()));
  }
  const bool may_have_gaps = request.config.compacted || request.cleaned;
  // Where compaction leaves gaps, what is missing shows in the journal alone.
  if (may_have_gaps && scan_.next_offset < next_base && journal_.has_records()) {
    if (auto restored = restore_gap(number); !restored) return restored;
  }
  if (scan_.next_offset == next_base || may_have_gaps || scan_.next_offset < request.recovery_point) return {};
  return cut(number,
             path + ": at its end (offset " + std::to_string(scan_.next_offset.value()) +
                 ") records are missing up to offset " + std::to_string(next_base.value()),
             number + 1);
}

Status LogRecovery::restore_gap(std::size_t number) {
  auto restored = journal_.restore_gap(number, scan_.next_offset);
  if (!restored) return tl::unexpected(restored.error());
  return restored->batches > 0 ? recover(number) : Status();
}

// What the journal has behind the end that was found.
Status LogRecovery::restore_end() {
  const auto& segments = load_.log.segments;
  if (!journal_.has_records()) return {};
  auto restored = journal_.restore_end(segments.empty() ? load_.request.log_start : scan_.next_offset);
  if (!restored) return tl::unexpected(restored.error());
  if (restored->batches == 0) return {};
  for (auto number = restored->first_segment; number < segments.size(); ++number) {
    if (auto recovered = recover(number); !recovered) return recovered;
  }
  return {};
}

// Cuts segment `number`, which was recovered just now, behind its last good batch; of the segments, the first `keep`
// stay.
Status LogRecovery::cut(std::size_t number, const std::string& where, std::size_t keep) {
  auto& log = load_.log;
  auto bytes = scan_.file_bytes - scan_.valid_bytes;
  const auto dropped = log.segments.size() - keep;
  auto dropped_bytes = drop_from(keep);
  if (!dropped_bytes) return tl::unexpected(dropped_bytes.error());
  bytes += *dropped_bytes;
  auto file = log.segments[number]->log_file()->open();
  if (!file) return tl::unexpected(file.error());
  // Synced, so that what was cut off cannot come back behind records that are appended in its place.
  if (auto done = (*file)->truncate(scan_.valid_bytes).and_then([&] { return (*file)->sync(); }); !done) return done;
  logger.warning(where + "; cut off " + std::to_string(bytes) + " bytes" +
                 (dropped == 0 ? std::string() : ", " + std::to_string(dropped) + " later segments among them"));
  log.report.truncated_bytes += bytes;
  log.report.truncated_at = scan_.next_offset;
  log.report.reason = where;
  return {};
}

Result<std::uint64_t> LogRecovery::last_file_bytes() {
  return load_.log.segments.back()->log_file()->open().and_then([](const auto& file) { return file->size_bytes(); });
}

Result<std::uint64_t> LogRecovery::drop_from(std::size_t keep) {
  auto& segments = load_.log.segments;
  std::uint64_t bytes = 0;
  if (segments.size() <= keep) return bytes;
  for (; segments.size() > keep; segments.take_from(segments.size() - 1)) {
    auto size = last_file_bytes();
    if (!size) return size;
    bytes += *size;
    for (auto suffix : {log_suffix, offset_index_suffix, time_index_suffix, transaction_index_suffix}) {
      const auto path = load_.request.directory + "/" + segment_file_name(segments.back()->base_offset(), suffix);
      auto removed = load_.files().remove(path);
      if (!removed && removed.error().kind != ErrorKind::not_found) return tl::unexpected(removed.error());
    }
  }
  return load_.files().sync_directory(load_.request.directory).map([&] { return bytes; });
}

}  // namespace millrace::log

#include "broker/log/log_loader.h"

#include <algorithm>

#include "broker/base/logging.h"
#include "broker/log/checkpoint_file.h"
#include "broker/log/log_directory.h"
#include "broker/log/partition_metadata_file.h"
#include "broker/log/producer_replay.h"
#include "broker/log/segment_files.h"
#include "broker/log/segment_recovery.h"

namespace millrace::log {
namespace {

constexpr Logger logger{"log"};

// Counts this log's segments in the progress of its directory. Those that are cut off are over at the end, too.
class SegmentsToRecover {
 public:
  SegmentsToRecover(LogEnvironment& environment, const std::string& path) {
    const auto number = environment.health->directory_of(path);
    if (number < environment.directories.size()) progress_ = &environment.directories[number];
  }
  ~SegmentsToRecover() {
    if (progress_ != nullptr) progress_->segments_recovered += left_;
  }
  SegmentsToRecover(const SegmentsToRecover&) = delete;
  SegmentsToRecover& operator=(const SegmentsToRecover&) = delete;

  void expect(std::size_t segments) {
    left_ += static_cast<std::uint32_t>(segments);
    if (progress_ != nullptr) progress_->segments_total += static_cast<std::uint32_t>(segments);
  }
  void recovered() {
    if (left_ == 0) return;
    --left_;
    if (progress_ != nullptr) ++progress_->segments_recovered;
  }

 private:
  DirectoryProgress* progress_ = nullptr;
  std::uint32_t left_ = 0;
};

class Loader {
 public:
  Loader(const LoadRequest& request, LogEnvironment& environment) : request_(request), environment_(environment) {}

  Result<std::unique_ptr<LoadedLog>> load() {
    log_ = std::make_unique<LoadedLog>(
        request_.partition, request_.directory, request_.config,
        ProducerState(partition_directory_name(request_.partition), environment_.options.producer_id_expiration_ms,
                      environment_.options.max_producers_per_partition));
    log_->report.clean = request_.clean;
    auto done = load_topic_id()
                    .and_then([&] { return load_segments(); })
                    .and_then([&] { return recover_unflushed(); })
                    .and_then([&] { return find_end(); })
                    .and_then([&] { return load_epochs(); })
                    .and_then([&] { return load_producers(); });
    if (!done) return tl::unexpected(done.error());
    for (const auto& segment : log_->segments) {
      if (segment != log_->segments.back()) segment->forget_indexes();
    }
    auto& active = *log_->segments.back();
    active.set_roll_jitter_ms(roll_jitter_ms(request_.config, environment_.random));
    return std::move(log_);
  }

 private:
  FileSystem& files() { return environment_.files; }
  TimestampMs now() { return environment_.clock.wall_clock(); }

  Status load_topic_id() {
    auto id = read_partition_metadata(files(), request_.directory);
    if (!id) return tl::unexpected(id.error());
    log_->topic_id = id->value_or(TopicId{});
    return {};
  }

  // Opens every segment. Those that an unclean stop may have damaged are left to recover_unflushed.
  Status load_segments() {
    auto found = tidy_segment_files(files(), request_.directory);
    if (!found) return tl::unexpected(found.error());
    found_ = std::move(*found);
    for (auto base : found_.segments) {
      log_->segments.add(
          std::make_unique<LogSegment>(environment_.cache, request_.directory, base, request_.config, now()));
    }
    first_unflushed_ = log_->segments.size();
    if (!request_.clean) {
      auto above = std::ranges::upper_bound(found_.segments, request_.recovery_point);
      first_unflushed_ =
          above == found_.segments.begin() ? 0 : static_cast<std::size_t>(above - found_.segments.begin()) - 1;
    }
    // A segment that is cut takes those behind it along.
    for (std::size_t number = 0; number < std::min(first_unflushed_, log_->segments.size()); ++number) {
      auto loaded = log_->segments[number]->load();
      if (loaded) continue;
      if (loaded.error().kind != ErrorKind::corrupt && loaded.error().kind != ErrorKind::not_found) return loaded;
      logger.warning(loaded.error().message + "; the indexes of this segment are built anew");
      to_recover_.expect(1);
      // Below the recovery point nothing else syncs them.
      auto rebuilt = recover(number).and_then([&] { return sync_indexes(*log_->segments[number]); });
      if (!rebuilt) return rebuilt;
    }
    return {};
  }

  Status sync_indexes(LogSegment& segment) {
    std::vector indexes{segment.offset_index().file(), segment.time_index().file()};
    if (!segment.transaction_index().empty()) indexes.push_back(segment.transaction_index().file());
    for (const auto& cached : indexes) {
      auto synced = cached->open().and_then([](const auto& file) { return file->sync(); });
      if (!synced) return synced;
    }
    return files().sync_directory(request_.directory);
  }

  Status recover_unflushed() {
    to_recover_.expect(log_->segments.size() - first_unflushed_);
    for (auto number = first_unflushed_; number < log_->segments.size(); ++number) {
      if (auto recovered = recover(number); !recovered) return recovered;
      if (auto joined = check_join(number); !joined) return joined;
    }
    return {};
  }

  // Whether the segment behind `number` begins where that one ends. The system may have written the later file's pages
  // before the
  // earlier one's, and lost those; compaction leaves gaps that are none.
  Status check_join(std::size_t number) {
    if (number + 1 >= log_->segments.size()) return {};
    const auto next_base = log_->segments[number + 1]->base_offset();
    const auto path = log_->segments[number]->log_file()->path();
    if (scan_.next_offset > next_base && number + 2 == log_->segments.size()) {
      // A roll that failed removes the file that it had begun, but that removal may not have reached the disk.
      auto size = last_file_bytes();
      if (!size) return tl::unexpected(size.error());
      if (*size == 0) return drop_from(number + 1).map([](std::uint64_t) {});
    }
    if (scan_.next_offset > next_base) {
      return fail(ErrorKind::corrupt, path + " has offsets up to " + std::to_string(scan_.next_offset.value() - 1) +
                                          ", and another segment begins at " + std::to_string(next_base.value()));
    }
    const bool may_have_gaps = request_.config.compacted || request_.cleaned;
    if (scan_.next_offset == next_base || may_have_gaps || scan_.next_offset < request_.recovery_point) return {};
    return cut(number, scan_,
               path + ": at its end (offset " + std::to_string(scan_.next_offset.value()) +
                   ") records are missing up to offset " + std::to_string(next_base.value()),
               number + 1);
  }

  // Makes the producers those of everything below segment `number`, which is about to be read: transactions that end in it may
  // have begun before.
  Status bring_producers_to(std::size_t number) {
    const auto base = log_->segments[number]->base_offset();
    const auto start = std::max(request_.log_start, log_->segments.front()->base_offset());
    if (producers_followed_ && *producers_followed_ + 1 == number) {
      log_->producers.set_end_offset(base);
      if (base <= start || std::ranges::binary_search(found_.snapshots, base)) return {};
      // The next start may be an unclean one, too, and would have to read further back.
      found_.snapshots.insert(std::ranges::upper_bound(found_.snapshots, base), base);
      return write_producer_snapshot(files(), request_.directory, base, log_->producers.entries());
    }
    return replay_producers(files(), {request_.directory, found_.snapshots, start, base, now()}, log_->segments.views(),
                            log_->producers)
        .map([](Offset) {});
  }

  Status follow_producers(LogSegment& segment, const File& file, const ScannedBatch& batch) {
    auto append = read_producer_append(file, batch);
    if (!append) return tl::unexpected(append.error());
    if (!*append) return {};
    auto completed = log_->producers.apply(**append);
    if (!completed || !completed->aborted) return {};
    return segment.transaction_index().append(
        {completed->producer, completed->first_offset, completed->last_offset, completed->last_stable_offset});
  }

  // Checks segment `number`, cuts it at the first bad batch and drops the segments behind it then.
  Status recover(std::size_t number) {
    auto& segment = *log_->segments[number];
    if (auto ready = bring_producers_to(number); !ready) return ready;
    auto visit = [&](const File& file, const ScannedBatch& batch) -> Status {
      const auto latest = seen_epochs_.empty() ? LeaderEpoch::none() : seen_epochs_.back().epoch;
      if (batch.leader_epoch > latest) seen_epochs_.push_back({batch.leader_epoch, batch.base_offset});
      return follow_producers(segment, file, batch);
    };
    auto scan = recover_segment(segment, request_.config.index_interval_bytes, visit);
    if (!scan) return tl::unexpected(scan.error());
    scan_ = *scan;
    log_->producers.set_end_offset(scan->next_offset);
    producers_followed_ = number;
    ++log_->report.segments_scanned;
    to_recover_.recovered();
    scanned_last_ = &segment;
    if (scan->whole()) return {};
    const auto where = segment.log_file()->path() + ": at position " + std::to_string(scan->valid_bytes) + " of " +
                       std::to_string(scan->file_bytes) + " (offset " + std::to_string(scan->next_offset.value()) +
                       ") " + (scan->why.empty() ? "the file ends within a batch" : scan->why);
    // What a failed append has left behind the last record is none of the segment's.
    const bool next_joins =
        number + 1 < log_->segments.size() && log_->segments[number + 1]->base_offset() == scan->next_offset;
    if (next_joins) return cut(number, *scan, where, log_->segments.size());
    if (scan->next_offset < request_.recovery_point) {
      return fail(ErrorKind::corrupt, where + "; everything below offset " +
                                          std::to_string(request_.recovery_point.value()) +
                                          " had been synced to the disk, so nothing is cut off");
    }
    return cut(number, *scan, where, number + 1);
  }

  // Cuts segment `number` behind its last good batch; of the segments, the first `keep` stay.
  Status cut(std::size_t number, const SegmentScan& scan, const std::string& where, std::size_t keep) {
    // These first: with them behind it, a segment that is cut already would look whole at the next start.
    auto bytes = scan.file_bytes - scan.valid_bytes;
    auto dropped = log_->segments.size() - keep;
    auto dropped_bytes = drop_from(keep);
    if (!dropped_bytes) return tl::unexpected(dropped_bytes.error());
    bytes += *dropped_bytes;
    auto file = log_->segments[number]->log_file()->open();
    if (!file) return tl::unexpected(file.error());
    // Synced, so that what was cut off cannot come back behind records that are appended in its place.
    if (auto done = (*file)->truncate(scan.valid_bytes).and_then([&] { return (*file)->sync(); }); !done) return done;
    logger.warning(where + "; cut off " + std::to_string(bytes) + " bytes" +
                   (dropped == 0 ? std::string() : ", " + std::to_string(dropped) + " later segments among them"));
    log_->report.truncated_bytes += bytes;
    log_->report.truncated_at = scan.next_offset;
    log_->report.reason = where;
    return {};
  }

  Result<std::uint64_t> last_file_bytes() {
    return log_->segments.back()->log_file()->open().and_then([](const auto& file) { return file->size_bytes(); });
  }

  // Drops the segments behind the first `keep` for good: what comes back after a crash would be taken for what was
  // appended since. Returns how many bytes their log files had.
  Result<std::uint64_t> drop_from(std::size_t keep) {
    std::uint64_t bytes = 0;
    if (log_->segments.size() <= keep) return bytes;
    for (; log_->segments.size() > keep; log_->segments.take_from(log_->segments.size() - 1)) {
      auto size = last_file_bytes();
      if (!size) return size;
      bytes += *size;
      for (auto suffix : {log_suffix, offset_index_suffix, time_index_suffix, transaction_index_suffix}) {
        auto removed =
            files().remove(request_.directory + "/" + segment_file_name(log_->segments.back()->base_offset(), suffix));
        if (!removed && removed.error().kind != ErrorKind::not_found) return tl::unexpected(removed.error());
      }
    }
    return files().sync_directory(request_.directory).map([&] { return bytes; });
  }

  Status find_end() {
    log_->log_start = request_.log_start;
    if (!log_->segments.empty()) {
      log_->log_start = std::max(log_->log_start, log_->segments.front()->base_offset());
      if (auto found = read_end(); !found) return found;
      if (log_->log_end < log_->log_start) {
        logger.warning(request_.directory + " ends at offset " + std::to_string(log_->log_end.value()) +
                       ", below its log start " + std::to_string(log_->log_start.value()) +
                       ": its segments hold nothing that may be read and are removed");
        if (auto dropped = drop_from(0); !dropped) return tl::unexpected(dropped.error());
      }
    }
    if (log_->segments.empty()) {
      log_->segments.add(std::make_unique<LogSegment>(environment_.cache, request_.directory, log_->log_start,
                                                      request_.config, now()));
      if (auto made = log_->segments.back()->create(request_.config); !made) return made;
      log_->log_end = log_->log_start;
      scanned_last_ = log_->segments.back().get();
    }
    auto& active = *log_->segments.back();
    log_->resident_from_position = scanned_last_ == &active ? 0 : active.size_bytes();
    log_->recovery_point = request_.clean ? log_->log_end : std::min(request_.recovery_point, log_->log_end);
    log_->high_watermark = std::clamp(request_.high_watermark, log_->log_start, log_->log_end);
    return {};
  }

  // Where the last segment's batches end. One that was not scanned must end exactly where its file does.
  Status read_end() {
    auto& active = *log_->segments.back();
    for (bool again = true;; again = false) {
      auto view = active.view();
      auto entry = view.offset_index.lookup(active.offset_index().last_offset());
      if (!entry) return tl::unexpected(entry.error());
      auto file = view.log_file->open();
      if (!file) return tl::unexpected(file.error());
      log_->log_end = active.base_offset();
      BatchScanner scanner(**file, entry->position, view.size_bytes, 64 * 1024);
      Result<bool> more = scanner.next();
      for (; more && *more; more = scanner.next()) log_->log_end = scanner.batch().last_offset + 1;
      const bool whole = more && scanner.next_position() == view.size_bytes;
      const bool index_fits =
          active.offset_index().entries() == 0 || active.offset_index().last_offset() < log_->log_end;
      if (whole && index_fits) return {};
      if (!more && more.error().kind != ErrorKind::corrupt) return tl::unexpected(more.error());
      const auto what = whole ? active.offset_index().file()->path() + " goes beyond the end of its log, offset " +
                                    std::to_string(log_->log_end.value())
                              : active.log_file()->path() + " does not end with a whole batch at position " +
                                    std::to_string(scanner.next_position()) + " of " + std::to_string(view.size_bytes);
      if (!again) return fail(ErrorKind::corrupt, what);
      logger.warning(what + " after a clean stop; the segment is checked");
      if (auto recovered = recover(log_->segments.size() - 1); !recovered) return recovered;
    }
  }

  Status load_epochs() {
    const auto path = request_.directory + "/" + std::string(leader_epoch_checkpoint_name);
    auto entries = read_epoch_checkpoint(files(), path);
    if (!entries && entries.error().kind != ErrorKind::corrupt) return tl::unexpected(entries.error());
    // A log with records has epochs: without any the file is gone.
    const bool lost = entries && entries->empty() && log_->log_end > log_->segments.front()->base_offset();
    if (!entries || lost) {
      logger.warning((lost ? path + " has no epochs" : entries.error().message) +
                     "; it is built anew from the batches");
      if (auto scanned = scan_epochs(); !scanned) return scanned;
      entries = std::vector<EpochStart>{};
      log_->epochs_changed = true;
    }
    log_->epochs = LeaderEpochCache(*entries);
    for (const auto& seen : seen_epochs_) {
      if (seen.epoch > log_->epochs.latest())
        log_->epochs_changed |= log_->epochs.assign(seen.epoch, seen.start_offset);
    }
    const bool truncated = log_->epochs.truncate_from_end(log_->log_end);
    log_->epochs_changed |= log_->epochs.truncate_from_start(log_->log_start);
    // The epoch at which a log without records ends is mostly the one in which it is led again: its file may wait for another one.
    const bool may_wait =
        log_->log_start == log_->log_end && entries->size() == 1 && entries->front().start_offset == log_->log_end;
    if (log_->epochs_changed || (truncated && !may_wait)) {
      if (auto written = write_epoch_checkpoint(files(), path, log_->epochs.entries()); !written) return written;
      entries = log_->epochs.entries();
    }
    log_->epochs_changed = truncated;
    log_->stored_epochs = std::move(*entries);
    return {};
  }

  Status scan_epochs() {
    seen_epochs_.clear();
    for (const auto& segment : log_->segments) {
      auto file = segment->log_file()->open();
      if (!file) return tl::unexpected(file.error());
      BatchScanner scanner(**file, 0, segment->size_bytes(), 64 * 1024);
      auto more = scanner.next();
      for (; more && *more; more = scanner.next()) {
        const auto& batch = scanner.batch();
        if (batch.base_offset < segment->base_offset())
          return fail(ErrorKind::corrupt, segment->log_file()->path() + ": at position " +
                                              std::to_string(batch.position) + " a batch has offset " +
                                              std::to_string(batch.base_offset.value()) + ", below the segment's");
        if (batch.leader_epoch > (seen_epochs_.empty() ? LeaderEpoch::none() : seen_epochs_.back().epoch)) {
          seen_epochs_.push_back({batch.leader_epoch, batch.base_offset});
        }
      }
      if (!more) return tl::unexpected(more.error());
    }
    return {};
  }

  Status load_producers() {
    ReplayRequest request{request_.directory, found_.snapshots, log_->log_start, log_->log_end, now()};
    auto snapshots = remove_stray_snapshots(files(), request, log_->segments);
    if (!snapshots) return tl::unexpected(snapshots.error());
    request.snapshots = std::move(*snapshots);
    const bool followed_to_end = producers_followed_ && *producers_followed_ + 1 == log_->segments.size() &&
                                 log_->producers.end_offset() == log_->log_end;
    if (followed_to_end) {
      log_->producers.remove_expired(request.now);
      log_->producers.on_log_start(log_->log_start);
    } else {
      auto newest = replay_producers(files(), request, log_->segments.views(), log_->producers);
      if (!newest) return tl::unexpected(newest.error());
      log_->producer_snapshot_offset = *newest;
    }
    log_->producers.on_high_watermark(log_->high_watermark);
    return {};
  }

  const LoadRequest& request_;
  LogEnvironment& environment_;
  SegmentsToRecover to_recover_{environment_, request_.directory};
  std::unique_ptr<LoadedLog> log_;
  SegmentFiles found_;
  std::size_t first_unflushed_ = 0;
  const LogSegment* scanned_last_ = nullptr;
  SegmentScan scan_;                               // of the segment that was recovered last
  std::optional<std::size_t> producers_followed_;  // the number of that segment: the producers are those of its end
  std::vector<EpochStart> seen_epochs_;
};

}  // namespace

std::int64_t roll_jitter_ms(const LogConfig& config, Random& random) {
  auto bound = std::min(config.segment_jitter_ms, config.segment_ms);
  return bound <= 0 ? 0 : static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(bound)));
}

Result<std::unique_ptr<LoadedLog>> load_log(const LoadRequest& request, LogEnvironment& environment) {
  return Loader(request, environment).load();
}

Result<std::unique_ptr<LoadedLog>> create_log(const TopicPartition& partition, const TopicId& topic_id,
                                              const std::string& directory, const LogConfig& config,
                                              LogEnvironment& environment) {
  auto& files = environment.files;
  if (auto made = files.create_directories(directory); !made) return tl::unexpected(made.error());
  if (!topic_id.is_zero()) {
    if (auto written = write_partition_metadata(files, directory, topic_id); !written)
      return tl::unexpected(written.error());
  }
  auto log = load_log({.partition = partition, .directory = directory, .config = config, .clean = true}, environment);
  if (!log) return log;
  auto parent = directory.substr(0, directory.rfind('/'));
  auto synced = files.sync_directory(directory).and_then([&] { return files.sync_directory(parent); });
  if (!synced) return tl::unexpected(synced.error());
  return log;
}

}  // namespace millrace::log

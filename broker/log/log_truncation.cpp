// Records that leave the end of a log because its leader does not have them. In this order, so that a crash leaves a
// prefix of what was there:
//
//   0  a word in the journal, where it has records of the log: what it has behind the cut is void
//   1  the recovery point and the high watermark, no higher than the cut, in the checkpoints
//   2  snapshots of producers behind the cut and segments behind it, the newest first, get the suffix ".deleted"; directory synced
//   3  the segment with the cut is cut there and synced
//   4  leader epochs
//   5  the log's start in its checkpoint, when that was above the cut
//
// To begin anew at an offset, the first segment is cut to nothing before the new one is made and takes its place:
// without any segment the directory would not say where the log begins.
#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/logging.h"
#include "broker/log/checkpoint_file.h"
#include "broker/log/log_directory.h"
#include "broker/log/log_loader.h"
#include "broker/log/partition_log_state.h"
#include "broker/log/producer_replay.h"
#include "broker/log/segment_cut.h"

namespace millrace::log {
namespace {

constexpr Logger logger{"log"};

tl::unexpected<AppendError> cut_off(const std::string& name) {
  return tl::unexpected(
      AppendError{AppendErrorKind::closed, "the records of the append to " + name + " were truncated", {}});
}

}  // namespace

// One truncation from its call to its answer. What the pool makes of it is taken over by the shard.
struct PartitionLog::State::Truncation {
  Truncation(Offset to, bool begins_anew, UniqueFunction<void(Status)> answer, ProducerState nobody)
      : target(to), anew(begins_anew), done(std::move(answer)), producers(std::move(nobody)) {}

  Offset target;
  bool anew;  // nothing stays
  UniqueFunction<void(Status)> done;

  bool only_epochs = false;  // the log ends at or below the target
  bool begun = false;
  std::size_t number = 0;  // of the segment with the cut
  SegmentCut cut;

  // For the pool.
  std::shared_ptr<LogEnvironment> environment;
  std::string directory;
  LogConfig config;
  TimestampMs now;
  bool writes_checkpoints = false;
  bool writes_epochs = false;
  bool reads_producers = false;
  LeaderEpochCache epochs;
  Offset log_start;  // as it will be
  std::vector<std::shared_ptr<RetiredSegments>> retired;
  std::vector<SegmentView> before;  // the segments below the one with the cut
  std::unique_ptr<LogSegment> segment;
  ProducerState producers;
  Offset snapshot_offset = Offset::none();

  [[nodiscard]] Offset end() const { return anew ? target : cut.end; }

  Status carry_out();
  Status retire_files();
  Status begin_anew();
  Status load_producers();
};

Status PartitionLog::State::Truncation::carry_out() {
  if (writes_checkpoints) {
    if (auto written = environment->write_checkpoints(directory); !written) return written;
  }
  if (!only_epochs) {
    segment = std::make_unique<LogSegment>(environment->cache, directory, cut.base_offset, config, now);
    auto carried =
        retire_files().and_then([&] { return segment->take_cut(cut); }).and_then([&] { return begin_anew(); });
    if (!carried) return carried;
  }
  if (writes_epochs) {
    const auto path = directory + "/" + std::string(leader_epoch_checkpoint_name);
    if (auto written = write_epoch_checkpoint(environment->files, path, epochs.entries()); !written) return written;
  }
  return only_epochs ? Status() : load_producers();
}

// The last of `retired` has the segments behind the cut and gets the snapshots that are not of what stays.
Status PartitionLog::State::Truncation::retire_files() {
  auto entries = environment->files.list(directory);
  if (!entries) return tl::unexpected(entries.error());
  for (const auto& entry : *entries) {
    auto offset = parse_segment_file_name(entry.name, producer_snapshot_suffix);
    if (offset && (anew || *offset > cut.end)) retired.back()->snapshots.push_back(*offset);
  }
  for (const auto& group : retired) {
    if (auto marked = mark_deleted(*group); !marked) return marked;
  }
  return {};
}

Status PartitionLog::State::Truncation::begin_anew() {
  if (!anew || target == cut.base_offset) return {};
  auto emptied = std::make_shared<RetiredSegments>(RetiredSegments{environment, directory, {}, {}});
  auto next = std::make_unique<LogSegment>(environment->cache, directory, target, config, now);
  if (auto made = next->create(config); !made) return made;
  emptied->segments.push_back(std::exchange(segment, std::move(next)));
  retired.push_back(emptied);
  return mark_deleted(*emptied);
}

// As Kafka, with a snapshot of the producers at the new end: the next start or truncation reads no further back.
Status PartitionLog::State::Truncation::load_producers() {
  std::vector<ProducerEntry> known;
  if (reads_producers) {
    auto found = environment->files.list(directory);
    if (!found) return tl::unexpected(found.error());
    ReplayRequest request{directory, {}, log_start, end(), now};
    for (const auto& entry : *found) {
      if (auto offset = parse_segment_file_name(entry.name, producer_snapshot_suffix))
        request.snapshots.push_back(*offset);
    }
    std::ranges::sort(request.snapshots);
    auto segments = before;
    segments.push_back(segment->view());
    if (auto newest = replay_producers(environment->files, request, segments, producers); !newest)
      return tl::unexpected(newest.error());
    known = producers.entries();
  }
  if (end() <= log_start) return {};
  auto written = write_producer_snapshot(environment->files, directory, end(), known);
  if (written) snapshot_offset = end();
  return written;
}

void PartitionLog::State::truncate(Offset target, bool anew, UniqueFunction<void(Status)> done) {
  if (target < Offset(0))
    return done(fail(ErrorKind::invalid_argument,
                     "cannot truncate " + name + " to the negative offset " + std::to_string(target.value())));
  ++term;
  ++truncations_;
  auto truncation = std::make_shared<Truncation>(target, anew, std::move(done), log->producers.without_producers());
  void_in_journal(anew ? Offset(0) : target, [this, truncation](Status voided) {
    if (!voided) {
      truncated(*truncation, std::move(voided));
      return serve_next();
    }
    change_exclusively([this, truncation] { return find_place(truncation); },
                       [this, truncation](Status status) { place_found(truncation, std::move(status)); });
  });
}

UniqueFunction<Status()> PartitionLog::State::find_place(const TruncationPointer& truncation) {
  auto& job = *truncation;
  if (failure) {
    return [message = name + " is not truncated until it is recovered: " + *failure]() -> Status {
      return fail(ErrorKind::io, message);
    };
  }
  job.anew = job.anew || job.target < log->segments.front()->base_offset();
  job.only_epochs = !job.anew && job.target >= log->log_end;
  if (job.only_epochs) {
    job.cut.end = log->log_end;
    return [] { return Status(); };
  }
  job.number = job.anew ? 0 : segment_number(job.target);
  auto& segment = *log->segments[job.number];
  // Entries that cannot be written are left out of the index.
  if (auto written = segment.write_pending_index_entries(); !written && disk_is_online())
    logger.warning(written.error().message);
  return [truncation, view = segment.view()]() -> Status {
    auto cut = find_cut(view, truncation->anew ? view.base_offset : truncation->target);
    if (!cut) return tl::unexpected(cut.error());
    truncation->cut = *cut;
    return {};
  };
}

void PartitionLog::State::place_found(const TruncationPointer& truncation, Status status) {
  if (!status) return truncated(*truncation, std::move(status));
  waiting_changes_.push_front({[this, truncation] { return begin_cut(truncation); },
                               [this, truncation](Status result) { cut_done(truncation, std::move(result)); }});
}

// From here on the log waits for what the pool makes of it, reads too: their bytes may be about to go.
UniqueFunction<Status()> PartitionLog::State::begin_cut(const TruncationPointer& truncation) {
  auto& job = *truncation;
  job.begun = true;
  job.environment = environment;
  job.directory = log->directory;
  job.config = log->config;
  job.now = environment->clock.wall_clock();
  job.epochs = log->epochs;
  job.writes_epochs = job.epochs.truncate_from_end(job.anew ? Offset(0) : job.cut.end) || epochs_unwritten();
  if (job.only_epochs) return [truncation] { return truncation->carry_out(); };
  logger.info(name + " is truncated to offset " + std::to_string(job.end().value()) + " from " +
              std::to_string(log->log_end.value()) + (job.anew ? ", and begins there anew" : ""));
  reads_wait_ = true;
  ++cuts_;
  if (tell_cut_) tell_cut_(job.anew ? std::min(job.cut.base_offset, job.target) : job.cut.end);
  const auto lowest = std::min(job.cut.end, job.end());
  const auto high_watermark = Offset(published.high_watermark.load(std::memory_order_relaxed));
  job.writes_checkpoints = log->recovery_point > lowest || high_watermark > lowest;
  log->recovery_point = std::min(log->recovery_point, lowest);
  published.high_watermark.store(std::min(high_watermark, lowest).value(), std::memory_order_relaxed);
  publish();
  job.log_start = job.anew ? job.target : std::min(log->log_start, job.cut.end);
  job.reads_producers = !job.anew && !log->producers.empty();
  give_up_what_waits_behind(job.cut.end);
  job.retired.assign(waiting_retirements_.begin(), waiting_retirements_.end());
  waiting_retirements_.clear();
  auto behind = log->segments.take_from(job.number + 1);
  std::ranges::reverse(behind);
  for (const auto& segment : behind) {
    logger.info("segment " + std::to_string(segment->base_offset().value()) + " of " + name + " with " +
                std::to_string(segment->size_bytes()) +
                " bytes is removed: " + std::string(text_of(RemovalReason::truncated)));
  }
  job.retired.push_back(
      std::make_shared<RetiredSegments>(RetiredSegments{environment, log->directory, std::move(behind), {}}));
  job.before = log->segments.views();
  job.before.pop_back();
  return [truncation] { return truncation->carry_out(); };
}

// Appends that wait for a sync of records that go; flushes of these are done with what is left.
void PartitionLog::State::give_up_what_waits_behind(Offset end) {
  for (auto& waiting : waiting_appends_) {
    if (!waiting.outcome || waiting.outcome->last_offset < end) continue;
    waiting.outcome = cut_off(name);
    waiting.synced_to = Offset(0);
  }
  for (auto& waiting : waiting_flushes_) waiting.target = std::min(waiting.target, end);
  std::erase_if(unwritten_snapshots_, [&](const auto& snapshot) { return snapshot.first > end; });
}

void PartitionLog::State::cut_done(const TruncationPointer& truncation, Status status) {
  auto& job = *truncation;
  if (!job.begun) return truncated(job, std::move(status));
  if (!status) {
    // What the files have now, only a load can tell.
    if (disk_is_online())
      logger.error(name + " could not be truncated and is offline until the next start: " + status.error().message);
    go_offline(status.error());
    serve_held_reads();
    return truncated(job, std::move(status));
  }
  log->epochs.truncate_from_end(job.anew ? Offset(0) : job.cut.end);
  if (job.writes_epochs) {
    log->stored_epochs = job.epochs.entries();
    epochs_dirty_ = true;  // when more was learned meanwhile
  }
  if (job.only_epochs) return truncated(job, {});
  const bool start_moves = take_truncated(job);
  serve_held_reads();
  if (!start_moves) return truncated(job, {});
  waiting_changes_.push_front({[this]() -> UniqueFunction<Status()> {
                                 return [shared = environment, directory = log->directory] {
                                   return shared->write_checkpoints(directory);
                                 };
                               },
                               [this, truncation](Status written) { truncated(*truncation, std::move(written)); }});
}

// Returns whether the log starts below where it did.
bool PartitionLog::State::take_truncated(Truncation& job) {
  log->segments.take_from(job.number);
  job.segment->set_roll_jitter_ms(roll_jitter_ms(log->config, environment->random));
  const auto base = job.segment->base_offset();
  const auto size_bytes = job.segment->size_bytes();
  log->segments.add(std::move(job.segment));
  if (job.anew || base < resident_segment_) {
    resident_segment_ = base;
    resident_position_ = size_bytes;
  } else if (base == resident_segment_) {
    resident_position_ = std::min(resident_position_, size_bytes);
  }
  const auto end = job.end();
  const bool start_moves = job.log_start < log->log_start;
  log->log_end = end;
  log->log_start = job.anew ? end : std::min(log->log_start, end);
  const auto high_watermark = job.anew ? end : std::min(end, Offset(published.high_watermark.load()));
  published.high_watermark.store(high_watermark.value(), std::memory_order_relaxed);
  log->high_watermark = std::clamp(log->high_watermark, log->log_start, end);
  log->producers.truncate(job.anew ? Offset(0) : end, std::move(job.producers));
  log->producers.set_end_offset(end);
  log->producers.on_high_watermark(high_watermark);
  log->producer_snapshot_offset = job.snapshot_offset;
  forget_positions();
  // The damage may have been cut off; what is left of it is found again.
  log->damage->forget(base, Offset(std::numeric_limits<std::int64_t>::max()));
  journal_truncated(job.anew ? Offset(0) : end);
  segments_changed();
  schedule_retention();
  for (auto& retired : job.retired) remove_later(std::move(retired));
  return start_moves;
}

void PartitionLog::State::truncated(Truncation& job, Status status) {
  --truncations_;
  // The journal may have no records behind the target any more, and those are still in the log.
  if (!status && journal_from_) {
    journal_from_.reset();
    flush_to(log->log_end, [this](const Status& synced) { serve_waiting_appends(synced); });
  }
  job.done(std::move(status));
}

void PartitionLog::State::serve_held_reads() {
  reads_wait_ = false;
  for (auto held = std::exchange(held_reads_, {}); auto& read : held) read();
}

void PartitionLog::truncate_to(Offset offset, UniqueFunction<void(Status)> done) {
  state_->truncate(offset, false, std::move(done));
}
void PartitionLog::truncate_fully_and_start_at(Offset offset, UniqueFunction<void(Status)> done) {
  state_->truncate(offset, true, std::move(done));
}

}  // namespace millrace::log

// What compaction asks of a log: what there is to do, what to read, and to take a compacted segment in place of others.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/base/logging.h"
#include "broker/log/compaction_input.h"
#include "broker/log/partition_log_state.h"
#include "broker/log/segment_swap.h"

namespace millrace::log {
namespace {

constexpr Logger logger{"log.cleaner"};

}  // namespace

CompactionCandidate PartitionLog::State::compaction_candidate(TimestampMs now) {
  Offset last_stable(published.high_watermark.load(std::memory_order_relaxed));
  if (const Offset unstable = self.first_unstable_offset(); unstable != Offset::none())
    last_stable = std::min(last_stable, unstable);
  auto candidate = log::compaction_candidate(*log, last_stable, log->cleaned_to, now);
  if (candidate.checkpoint_is_invalid) {
    log->cleaned_to = candidate.first_dirty;
    publish();
  }
  return candidate;
}

std::unique_ptr<CompactionInput> PartitionLog::State::begin_compaction(TimestampMs now) {
  if (stopped || failure || cleaning || holding() || is_copy || copy_ != nullptr || !log->config.compacted)
    return nullptr;
  const auto candidate = compaction_candidate(now);
  if (!candidate.is_due(log->config) || candidate.first_dirty >= candidate.first_uncleanable) return nullptr;
  cleaning = true;
  compaction_aborted = false;
  compacted_by = log->log_end;
  compaction_is_written_down_ = false;
  if (!log->cleaned_to) {
    log->cleaned_to = candidate.first_dirty;
    publish();
  }
  return std::make_unique<CompactionInput>(compaction_input(*log, candidate, now));
}

void PartitionLog::State::end_compaction(std::optional<Offset> cleaned_to) {
  cleaning = false;
  // What a truncation that is under way has cut already is no damage.
  if (holding()) compaction_aborted = true;
  if (cleaned_to && !compaction_aborted) log->cleaned_to = cleaned_to;
  publish();
  schedule_retention();
  serve_idle();
}

// A newer record of a key, or the marker that aborts a transaction, may be in the page cache only while the record that goes for its
// sake is on the disk: it is synced first.
void PartitionLog::State::replace_segments(CleanedGroup group, UniqueFunction<void(Status)> done) {
  flush_to(compacted_by, [this, group = std::move(group), done = std::move(done)](const Status& synced) mutable {
    if (!synced) return done(fail(ErrorKind::cancelled, synced.error().message));
    if (!was_journaled_ || compaction_is_written_down_) return swap_synced(std::move(group), std::move(done));
    write_down_compaction(std::move(group), std::move(done));
  });
}

// A start that found the old recovery point would miss what compaction has taken away, and the journal still has it.
void PartitionLog::State::write_down_compaction(CleanedGroup group, UniqueFunction<void(Status)> done) {
  shard.pool().submit([alive = self.shared_from_this(), this, directory = log->directory, group = std::move(group),
                       done = std::move(done)]() mutable {
    auto written = environment->write_checkpoints(directory);
    auto& home = shard;
    home.post([alive = std::move(alive), this, group = std::move(group), done = std::move(done),
               written = std::move(written)]() mutable {
      if (!written) return done(fail(ErrorKind::cancelled, written.error().message));
      compaction_is_written_down_ = true;
      swap_synced(std::move(group), std::move(done));
    });
  });
}

// The list has the new segment before the disk does, and the old ones are the pool's: readers that have views of those
// read on, and new ones read the new one, whatever its files are called meanwhile. A crash in the middle is mended at
// the next load.
void PartitionLog::State::swap_synced(CleanedGroup group, UniqueFunction<void(Status)> done) {
  auto retired = std::make_shared<RetiredSegments>(RetiredSegments{environment, log->directory, {}, {}});
  auto prepare = [this, retired, group = std::move(group)]() mutable -> UniqueFunction<Status()> {
    if (compaction_aborted) return []() -> Status { return fail(ErrorKind::cancelled, "the pass was aborted"); };
    auto* cleaned = group.segment.get();
    retired->segments = log->segments.replace(group.first, group.end, std::move(group.segment));
    retired->snapshots = snapshots_of_replaced(retired->segments);
    log->damage->forget(group.first, group.end);
    if (resident_segment_ < group.end) {
      resident_segment_ = group.end;
      resident_position_ = 0;
    }
    forget_positions();
    sizes_changed();
    return [cleaned, retired]() -> Status { return swap_in(*cleaned, *retired); };
  };
  change_exclusively(std::move(prepare), [this, retired, done = std::move(done)](Status status) mutable {
    if (retired->segments.empty()) return done(fail(ErrorKind::cancelled, status.error().message));
    if (status) {
      remove_later(retired);
    } else {
      // Which names the files have is known to a load only.
      failure = sync_failure_ = status.error().message;
      if (disk_is_online()) logger.error(name + " takes no more appends until it is recovered: " + *failure);
      status = fail(ErrorKind::io, status.error().message);
    }
    done(std::move(status));
  });
}

CompactionCandidate PartitionLog::compaction_candidate(TimestampMs now) { return state_->compaction_candidate(now); }
std::unique_ptr<CompactionInput> PartitionLog::begin_compaction(TimestampMs now) {
  return state_->begin_compaction(now);
}
void PartitionLog::replace_segments(CleanedGroup group, UniqueFunction<void(Status)> done) {
  state_->replace_segments(std::move(group), std::move(done));
}
void PartitionLog::end_compaction(std::optional<Offset> cleaned_to) { state_->end_compaction(cleaned_to); }
bool PartitionLog::compaction_is_aborted() const { return state_->compaction_aborted; }

}  // namespace millrace::log

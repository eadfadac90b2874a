// Appends with flush.messages=1: they are confirmed by the journal of the log directory, in which this log has, without a gap, all from
// journal_from_ on. What was written before, in another mode, its segments must have on the disk first.
#include <algorithm>
#include <utility>

#include "broker/log/partition_log_state.h"

namespace millrace::log {

std::shared_ptr<JournaledLog> PartitionLog::State::journaled_self() {
  return {self.shared_from_this(), static_cast<JournaledLog*>(this)};
}

Offset PartitionLog::State::on_disk_to() const {
  const bool joins = journal_from_ && *journal_from_ <= log->recovery_point;
  return joins ? std::max(log->recovery_point, journaled_to_) : log->recovery_point;
}

void PartitionLog::State::journal_appended(BytesView batches, Offset end, LeaderEpoch epoch) {
  if (log->config.flush_messages != 1 || journal_ == nullptr) return;
  const auto from = log->log_end;
  // Before the journal may ask for it.
  published.log_end_offset.store(end.value(), std::memory_order_relaxed);
  const bool begins = !journal_from_ || journal_end_ != from;
  if (!journal_->append(journaled_self(), {begins ? from : *journal_from_, from, end, epoch, stay_}, batches)) {
    if (!journal_from_.has_value()) return;
    journal_from_.reset();
    // Who waits for what the journal has hears nothing of it any more. Not now: this append is not in the log yet.
    if (!waiting_appends_.empty()) shard.post([alive = self.shared_from_this(), this] { sync_one_by_one(); });
    return;
  }
  was_journaled_ = true;
  if (begins) {
    journal_from_ = journaled_to_ = from;
    if (from > log->recovery_point) {
      flush_to(from, [this](const Status& status) {
        if (!status) journal_from_.reset();  // another append begins anew
        serve_waiting_appends(status);
      });
    }
  }
  journal_end_ = end;
}

void PartitionLog::State::journaled(JournalStay stay, Offset end, const Status& status) {
  // The log has left with everything: nobody waits for this.
  if (stay != stay_) return;
  if (!status && status.error().kind == ErrorKind::unavailable && !offline && !failure) return sync_one_by_one();
  if (!status) return serve_waiting_appends(status);
  // What was begun anew since, another sync confirms.
  if (journal_from_ && end <= journal_end_) journaled_to_ = std::max(journaled_to_, end);
  serve_waiting_appends({});
}

// What waits is confirmed by the segments: the journal does not take it, or has not all of it.
void PartitionLog::State::sync_one_by_one() {
  journal_from_.reset();
  if (waiting_appends_.empty()) return;
  flush_to(log->log_end, [this](const Status& status) { serve_waiting_appends(status); });
}

// A log that was cut below that is the owner of nothing there.
bool PartitionLog::State::has_synced(JournalStay stay, Offset end) const {
  if (left_journal_.load(std::memory_order_relaxed) || stay != stay_.load(std::memory_order_relaxed)) return true;
  const Offset log_end(published.log_end_offset.load(std::memory_order_relaxed));
  return Offset(published.recovery_point.load(std::memory_order_relaxed)) >= std::min(end, log_end);
}

void PartitionLog::State::sync_segments(JournalStay stay, UniqueFunction<void(Status)> done) {
  if (stay != stay_) return done({});
  flush_to(log->log_end, std::move(done));
}

// Until its answer nothing of this log is appended, so that all that the journal has of it comes before the cut.
void PartitionLog::State::void_in_journal(Offset target, UniqueFunction<void(Status)> done) {
  if (!was_journaled_ || stopped || failure) return done({});
  journal_->cut(journaled_self(), target, std::move(done));
}

void PartitionLog::State::journal_truncated(Offset end) {
  if (!journal_from_) return;
  if (end < *journal_from_) return journal_from_.reset();
  journal_end_ = std::min(journal_end_, end);
  journaled_to_ = std::min(journaled_to_, end);
}

// The log goes on in another directory, whose disk has all of it. What the journal here has must not come back should the log return.
void PartitionLog::State::change_journal(std::shared_ptr<Journal> journal) {
  if (was_journaled_) journal_->forget(journaled_self());
  ++stay_;
  was_journaled_ = false;
  journal_ = std::move(journal);
  journal_from_.reset();
  serve_waiting_appends({});
}

void PartitionLog::State::leave_journal() {
  if (!was_journaled_ || left_journal_.exchange(true)) return;
  journal_->forget(journaled_self());
}

}  // namespace millrace::log

#include "broker/log/replica_move.h"

#include <algorithm>
#include <utility>

#include "broker/base/logging.h"
#include "broker/log/epoch_truncation.h"
#include "broker/log/log_directory.h"

namespace millrace::log {
namespace {

constexpr Logger logger{"log"};
// Who is slowed down looks this often whether the rate has changed or the move is to end.
constexpr Duration longest_pause = std::chrono::milliseconds(100);
constexpr Duration retry_pause = std::chrono::milliseconds(10);
// Syncs while appends go on, before the last one, for which they wait.
constexpr int syncs_before_hold = 2;

// To where a copy of an earlier process has what this log has (epoch_truncation.h).
Offset common_end(const PartitionLog& log, const PartitionLog& copy, Offset log_end) {
  auto end = std::min(copy.log_end_offset(), log_end);
  const auto epoch = copy.latest_leader_epoch();
  // Messages of old formats have no epochs.
  if (epoch == LeaderEpoch::none()) return end;
  const auto found = log.end_offset_for_epoch(epoch);
  if (found.end_offset == Offset::none()) return copy.log_start_offset();
  if (found.leader_epoch == epoch) return std::min(end, found.end_offset);
  const auto own = copy.end_offset_for_epoch(found.leader_epoch);
  if (own.end_offset == Offset::none() || own.leader_epoch != found.leader_epoch) return copy.log_start_offset();
  return std::min({end, own.end_offset, found.end_offset});
}

}  // namespace

ReplicaMove::ReplicaMove(std::shared_ptr<PartitionLog> log, std::shared_ptr<PartitionLog> copy, MoveBounds& bounds,
                         Host host)
    : log_(std::move(log)), copy_(std::move(copy)), bounds_(bounds), host_(std::move(host)) {}

void ReplicaMove::start(std::optional<Offset> end) {
  resume_at_ = shard().clock().now();
  log_->begin_copy(copy_, [weak = weak_from_this()](Offset cut) {
    if (auto self = weak.lock()) self->cut_ = std::min(cut, self->cut_.value_or(cut));
  });
  if (end) {
    // What the earlier process had deleted is there again: its start had not been written down yet.
    if (copy_->log_start_offset() > log_->log_start_offset()) return begin_at(log_->log_start_offset());
    const auto common = common_end(*log_, *copy_, *end);
    if (common < copy_->log_end_offset()) cut_ = common;
  }
  next();
}

void ReplicaMove::cancel() {
  cancelled_ = true;
  if (!pause_) return;
  shard().cancel(*std::exchange(pause_, std::nullopt));
  next();
}

void ReplicaMove::later(void (ReplicaMove::*step)()) {
  shard().post([self = shared_from_this(), step] { (self.get()->*step)(); });
}

void ReplicaMove::next() {
  if (has_turn_) {
    has_turn_ = false;
    bounds_.end_turn();
  }
  if (cancelled_) return end(fail(ErrorKind::cancelled, "the move was cancelled"));
  if (cut_) return cut_copy();
  if (unsynced_bytes_ >= bytes_between_syncs) return sync();
  const auto end = copy_->log_end_offset();
  if (end < log_->log_start_offset() && end != within_batch_) return begin_at(log_->log_start_offset());
  if (near_ || copy_->log_end_offset() >= log_->log_end_offset()) return caught_up();
  begin_piece();
}

void ReplicaMove::begin_piece() {
  // While appends wait, nobody is slowed down nor waits for other moves.
  if (holds_) return later(&ReplicaMove::read_piece);
  if (seen_rate_changes_ != bounds_.rate_changes()) {
    seen_rate_changes_ = bounds_.rate_changes();
    resume_at_ = shard().clock().now();
  }
  const auto wait = resume_at_ - shard().clock().now();
  if (bounds_.is_stopped()) return wait_for_rate(longest_pause);
  if (wait > Duration::zero()) return wait_for_rate(wait);
  bounds_.take_turn([self = shared_from_this(), &home = shard()] {
    home.post([self] {
      self->has_turn_ = true;
      self->read_piece();
    });
  });
}

void ReplicaMove::wait_for_rate(Duration wait) {
  pause_ = shard().after(std::min(wait, longest_pause), [self = shared_from_this()] {
    self->pause_.reset();
    self->next();
  });
}

void ReplicaMove::read_piece() {
  if (cancelled_ || cut_) return next();
  const auto from = std::max(copy_->log_end_offset(), log_->log_start_offset());
  asked_end_ = log_->log_end_offset();
  ReadRequest request{from, asked_end_, piece_bytes, true, false};
  log_->read(request, [self = shared_from_this()](ReadOutcome outcome) {
    if (self->cancelled_ || self->cut_) return self->next();
    if (outcome && outcome->records.length_bytes > 0) return self->load_piece(std::move(*outcome));
    // It may have waited for a truncation, and there is less to read now.
    if (outcome) return self->skip_to(std::min(self->asked_end_, outcome->log_end_offset));
    // Its start has moved meanwhile.
    if (outcome.error().kind == ReadErrorKind::offset_out_of_range) return self->later(&ReplicaMove::next);
    self->fail_with("it cannot be read: " + outcome.error().message);
  });
}

void ReplicaMove::load_piece(FetchData data) {
  shard().pool().submit([self = shared_from_this(), slice = std::move(data.records), &home = shard()] {
    auto bytes = std::make_shared<std::vector<std::uint8_t>>(slice.length_bytes);
    auto count = slice.file->read_at(slice.position, *bytes);
    home.post([self, bytes, count = std::move(count)] {
      if (self->cancelled_ || self->cut_) return self->next();
      if (!count) return self->fail_with(count.error().message);
      bytes->resize(*count);
      self->append_piece(bytes);
    });
  });
}

void ReplicaMove::append_piece(const std::shared_ptr<std::vector<std::uint8_t>>& bytes) {
  AppendRequest request{*bytes, AppendOrigin::replica, LeaderEpoch::none(), shard().clock().wall_clock()};
  const auto size = bytes->size();
  const Offset first(size < sizeof(std::int64_t) ? 0 : load_big_endian<std::int64_t>(bytes->data()));
  copy_->append(request, [self = shared_from_this(), bytes, size, first](const AppendOutcome& outcome) {
    self->appended(outcome, first, size);
  });
}

void ReplicaMove::appended(const AppendOutcome& outcome, Offset first_offset, std::uint64_t read_bytes) {
  if (!outcome) {
    // The log's start lies within its first batch: the copy begins with that batch, too.
    const bool is_empty = copy_->log_start_offset() == copy_->log_end_offset();
    if (outcome.error().kind == AppendErrorKind::unexpected_offset && is_empty) {
      within_batch_ = first_offset;
      return begin_at(first_offset);
    }
    return fail_with("its copy cannot be written: " + outcome.error().message);
  }
  if (outcome->size_bytes == 0)
    return fail_with("its copy got no whole batch of " + std::to_string(read_bytes) + " bytes");
  unsynced_bytes_ += outcome->size_bytes;
  near_ = copy_->log_end_offset() >= asked_end_;
  if (!holds_) resume_at_ = shard().clock().now() + bounds_.charge(read_bytes, shard().clock().now());
  follow_numbers();
  later(&ReplicaMove::next);
}

// Up to its own end the copy has what the log has, so that it may forget what the log forgets.
void ReplicaMove::follow_numbers() {
  const auto high_watermark = Offset(log_->published().high_watermark.load(std::memory_order_relaxed));
  copy_->publish_high_watermark(std::min(high_watermark, copy_->log_end_offset()));
  const auto start = std::min(log_->log_start_offset(), high_watermark);
  if (start > copy_->log_start_offset() && start <= copy_->log_end_offset()) {
    if (auto moved = copy_->advance_log_start_offset(start); !moved) logger.warning(moved.error().message);
  }
}

// Compaction has left nothing between the copy's end and the log's.
void ReplicaMove::skip_to(Offset offset) {
  if (auto skipped = copy_->skip_to(offset); !skipped) return fail_with(skipped.error().message);
  near_ = true;
  later(&ReplicaMove::next);
}

void ReplicaMove::begin_at(Offset offset) {
  copy_->truncate_fully_and_start_at(offset, [self = shared_from_this()](const Status& status) {
    if (!status) return self->fail_with(status.error().message);
    self->later(&ReplicaMove::next);
  });
}

void ReplicaMove::cut_copy() {
  release();
  near_ = false;
  const auto cut = *std::exchange(cut_, std::nullopt);
  copy_->truncate_to(std::min(cut, copy_->log_end_offset()), [self = shared_from_this()](const Status& status) {
    if (!status) return self->fail_with(status.error().message);
    self->later(&ReplicaMove::next);
  });
}

void ReplicaMove::sync() {
  unsynced_bytes_ = 0;
  copy_->flush([self = shared_from_this()](const Status& status) {
    if (!status) return self->fail_with(status.error().message);
    self->later(&ReplicaMove::next);
  });
}

// The last sync, for which appends wait, is to be of little.
void ReplicaMove::caught_up() {
  near_ = false;
  follow_numbers();
  if (syncs_near_end_ < syncs_before_hold) {
    ++syncs_near_end_;
    return sync();
  }
  if (!holds_) {
    holds_ = true;
    log_->hold_appends();
    return later(&ReplicaMove::next);
  }
  if (copy_->log_end_offset() < log_->log_end_offset()) return begin_piece();
  if (copy_->recovery_point() < copy_->log_end_offset()) return sync();
  copy_->when_idle([self = shared_from_this()] { self->later(&ReplicaMove::swap); });
}

void ReplicaMove::swap() {
  if (cancelled_ || cut_) return next();
  log_->take_over(copy_, host_.rename, [self = shared_from_this()](const Status& status) { self->swapped(status); });
}

void ReplicaMove::swapped(const Status& status) {
  if (status) return end({});
  if (status.error().kind != ErrorKind::cancelled) return end(status);
  // Something of either log was under way, or a pass of compaction has yet to see that it is to end.
  release();
  syncs_near_end_ = syncs_before_hold - 1;
  shard().after(retry_pause, [self = shared_from_this()] { self->next(); });
}

void ReplicaMove::release() {
  if (std::exchange(holds_, false)) log_->release_appends();
}

void ReplicaMove::fail_with(std::string message) {
  end(fail(ErrorKind::io, "the replica " + partition_directory_name(log_->topic_partition()) +
                              " stays where it is: " + std::move(message)));
}

void ReplicaMove::end(Status status) {
  if (std::exchange(ended_, true)) return;
  if (std::exchange(has_turn_, false)) bounds_.end_turn();
  log_->end_copy();
  release();
  copy_->stop();
  copy_->when_idle([self = shared_from_this(), status = std::move(status)]() mutable {
    auto ended = std::move(self->host_.ended);
    ended(std::move(status));
  });
}

}  // namespace millrace::log

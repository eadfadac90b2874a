#include <algorithm>
#include <limits>
#include <utility>

#include "broker/base/logging.h"
#include "broker/log/log_directory.h"
#include "broker/log/log_loader.h"
#include "broker/log/partition_log_state.h"
#include "broker/log/segment_check.h"

namespace millrace::log {
namespace {

constexpr Logger logger{"log"};
constexpr std::int64_t max_segment_span = std::numeric_limits<std::int32_t>::max();  // of the offsets in an index

tl::unexpected<AppendError> refuse(AppendErrorKind kind, std::string message) {
  return tl::unexpected(AppendError{kind, std::move(message), {}});
}

// `leader_epoch`: of the leader that sent it; none(): not known.
Status check_replicated_epoch(const BatchOrder& order, const protocol::BatchHeader& header, LeaderEpoch leader_epoch) {
  const auto epoch = header.partition_leader_epoch;
  if (leader_epoch != LeaderEpoch::none() && epoch > leader_epoch) {
    return fail(ErrorKind::corrupt, "the batch at offset " + std::to_string(header.base_offset.value()) +
                                        " has leader epoch " + std::to_string(epoch.value()) + ", and its leader has " +
                                        std::to_string(leader_epoch.value()));
  }
  return order.check_epoch(epoch, header.base_offset, header.last_offset());
}

}  // namespace

tl::expected<void, AppendError> PartitionLog::State::usable() const {
  if (stopped) return refuse(AppendErrorKind::closed, name + " is closed");
  if (failure) return refuse(AppendErrorKind::storage, name + " takes no appends until it is recovered: " + *failure);
  return {};
}

void PartitionLog::State::append_held(const AppendRequest& request, std::uint64_t of_term, AppendCompletion done) {
  if (of_term == term) return append_now(request, std::move(done));
  done(refuse(AppendErrorKind::closed, "the leader of " + name + " changed while the append waited"));
}

AppendOutcome PartitionLog::State::append(const AppendRequest& request) {
  return watched(
      [&] { return request.origin == AppendOrigin::replica ? append_replicated(request) : append_assigned(request); });
}

AppendOutcome PartitionLog::State::append_checked(const AppendRequest& request, const Checked& checked,
                                                  std::uint64_t of_term) {
  if (of_term != term) {
    return refuse(AppendErrorKind::closed, "the leader of " + name + " changed while the records were checked");
  }
  if (!checked) return tl::unexpected(checked.error());
  return watched([&] { return append_checked(request, *checked); });
}

template <class Append>
AppendOutcome PartitionLog::State::watched(Append append) {
  if (auto ready = usable(); !ready) return tl::unexpected(std::move(ready.error()));
  const auto started = shard.clock().now();
  AppendOutcome outcome = append();
  const auto taken = shard.clock().now() - started;
  if (taken > environment->options.slow_append) {
    ++environment->statistics.slow_appends;
    logger.warning("an append to " + name + " took " +
                   std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(taken).count()) + " ms");
  }
  publish();  // of a follower's refused append a part may be there, and a segment may have been begun
  if (!outcome && outcome.error().kind == AppendErrorKind::storage) {
    ++environment->statistics.failed_appends;
    if (disk_is_online()) logger.error("an append to " + name + " failed: " + outcome.error().message);
  }
  return outcome;
}

// Runs the completions in the order of the appends: one that waits for a sync makes those behind it wait too.
void PartitionLog::State::complete_in_order(AppendOutcome outcome, AppendCompletion done) {
  // A retry is answered like the append that it repeats: not before the records that it names are synced.
  const auto end = outcome ? outcome->last_offset + 1 : Offset(0);
  const bool must_sync = end > on_disk_to() && log->log_end - log->recovery_point >= log->config.flush_messages;
  if (!must_sync && waiting_appends_.empty()) {
    done(std::move(outcome));
    return;
  }
  waiting_appends_.push_back({must_sync ? end : Offset(0), std::move(outcome), std::move(done)});
  if (must_sync && !is_journaling(end))
    flush_to(log->log_end, [this](const Status& status) { serve_waiting_appends(status); });
}

// What has failed, has failed for all that wait: the log takes no more appends.
void PartitionLog::State::serve_waiting_appends(const Status& status) {
  while (!waiting_appends_.empty() && (!status || waiting_appends_.front().synced_to <= on_disk_to())) {
    auto waiting = std::move(waiting_appends_.front());
    waiting_appends_.pop_front();
    if (!status && waiting.outcome && waiting.synced_to > on_disk_to()) {
      waiting.outcome =
          refuse(AppendErrorKind::storage, "the append to " + name + " was not synced: " + status.error().message);
    }
    waiting.done(std::move(waiting.outcome));
  }
}

AppendOutcome PartitionLog::State::duplicate_outcome(const ProducerBatch& batch) const {
  AppendResult result;
  result.base_offset = batch.first_offset();
  result.last_offset = batch.last_offset;
  result.log_start_offset = log->log_start;
  result.log_append_time = batch.timestamp;
  result.max_timestamp = batch.timestamp;
  result.duplicate = true;
  return result;
}

AppendOutcome PartitionLog::State::append_assigned(const AppendRequest& request) {
  // A coordinator's batches are its own: small, and in the order in which it gives them.
  const auto effort = request.origin == AppendOrigin::client ? CheckEffort::brief : CheckEffort::full;
  auto checked = check_batch(request, log->config, name, environment->options.conversions, effort);
  if (!checked) return tl::unexpected(std::move(checked.error()));
  return append_checked(request, *checked);
}

AppendOutcome PartitionLog::State::append_checked(const AppendRequest& request, const CheckedBatch& checked) {
  const auto& header = checked.batch.header;
  const auto base_offset = log->log_end;
  std::optional<ProducerAppend> producer;
  if (header.producer_id != ProducerId::none()) {
    producer = ProducerAppend::of(header, base_offset);
    producer->max_timestamp = checked.max_timestamp;
    producer->marker = read_marker(checked.batch);
    if (request.origin == AppendOrigin::client) {
      if (const auto* known = log->producers.find_duplicate(*producer)) return duplicate_outcome(*known);
    }
    if (request.verification && producer->transactional && !producer->control) {
      if (auto verified = log->producers.verify(*producer, *request.verification, request.now); !verified) {
        note_duties();
        return tl::unexpected(std::move(verified.error()));
      }
    }
    if (auto allowed = log->producers.check(*producer, request.origin); !allowed)
      return tl::unexpected(std::move(allowed.error()));
  }
  assign_fields(checked, base_offset, request.leader_epoch);
  const auto last_offset = base_offset + std::int64_t{header.last_offset_delta};
  const BatchExtent extent{0, last_offset, checked.max_timestamp};
  auto written = write({checked.bytes, {&extent, 1}, request.now}, base_offset);
  if (!written) return tl::unexpected(std::move(written.error()));
  auto batch = checked.batch;
  batch.header.partition_leader_epoch = request.leader_epoch;
  remember(batch, base_offset, active().size_bytes() - checked.bytes.size(), producer);
  if (failure) return refuse(AppendErrorKind::storage, *failure);
  return AppendResult{base_offset,           last_offset,          log->log_start, checked.log_append_time,
                      checked.max_timestamp, checked.bytes.size(), false};
}

// Nothing of it is written, and this log is as good as before. A follower asks for it again and again.
tl::unexpected<AppendError> PartitionLog::State::refuse_replicated(AppendErrorKind kind, const std::string& what) {
  auto message = "a replicated batch for " + name + " is refused: " + what;
  // Where the leader's log and this one part, the batch may be sound.
  if (kind != AppendErrorKind::unexpected_offset && message != refused_replicated_) {
    refused_replicated_ = message;
    environment->damage->count_batch(FoundBy::replica);
    logger.error(message);
  }
  return refuse(kind, std::move(message));
}

tl::expected<std::vector<PartitionLog::State::ReplicatedBatch>, AppendError> PartitionLog::State::check_replicated(
    BytesView bytes, LeaderEpoch leader_epoch) {
  std::vector<ReplicatedBatch> batches;
  BatchOrder order(log->log_end);
  order.set_least_epoch(log->epochs.latest());
  auto next_offset = log->log_end;
  for (std::size_t at = 0; at < bytes.size();) {
    bool incomplete = false;
    auto batch = is_copy ? check_copied_batch(bytes.subspan(at), next_offset, incomplete)
                         : check_replicated_batch(bytes.subspan(at), incomplete);
    if (!batch && incomplete) break;
    if (!batch) return refuse_replicated(batch.error().kind, batch.error().message);
    const auto& header = batch->header;
    if (auto fits = order.check_offsets(header.base_offset, header.last_offset()); !fits) {
      const auto kind = batches.empty() ? AppendErrorKind::unexpected_offset : AppendErrorKind::offsets_out_of_order;
      return refuse_replicated(kind, fits.error().message);
    }
    if (auto fits = check_replicated_epoch(order, header, leader_epoch); !fits)
      return refuse_replicated(AppendErrorKind::corrupt_batch, fits.error().message);
    order.passed(header.partition_leader_epoch, header.base_offset, header.last_offset());
    next_offset = header.last_offset() + 1;
    batches.push_back({*batch, at});
    at += batch->bytes.size();
  }
  return batches;
}

PartitionLog::State::WrittenTogether PartitionLog::State::together_from(std::span<const ReplicatedBatch> batches) {
  WrittenTogether together;
  const auto first_offset = batches.front().batch.header.base_offset;
  const auto room = active().index_room();
  for (const auto& [batch, position] : batches) {
    const bool fits = together.size_bytes + batch.bytes.size() <= static_cast<std::size_t>(log->config.segment_bytes) &&
                      batch.header.last_offset() - first_offset <= max_segment_span && together.extents.size() < room;
    if (!together.extents.empty() && !fits) break;
    together.extents.push_back({static_cast<std::uint32_t>(position - batches.front().position),
                                batch.header.last_offset(), batch.header.max_timestamp});
    together.size_bytes += batch.bytes.size();
  }
  return together;
}

AppendOutcome PartitionLog::State::append_replicated(const AppendRequest& request) {
  auto batches = check_replicated(request.batches, request.leader_epoch);
  if (!batches) return tl::unexpected(std::move(batches.error()));
  AppendResult result{log->log_end, log->log_end - 1, log->log_start, TimestampMs::none(), TimestampMs::none(), 0,
                      false};
  if (batches->empty()) return result;
  result.base_offset = batches->front().batch.header.base_offset;
  for (std::size_t first = 0; first < batches->size();) {
    const auto together = together_from(std::span(*batches).subspan(first));
    const auto size = together.size_bytes;
    const auto end = first + together.extents.size();
    const SegmentAppend append{BytesView(request.batches).subspan((*batches)[first].position, size), together.extents,
                               request.now};
    auto written = write(append, (*batches)[first].batch.header.base_offset);
    if (!written) return tl::unexpected(std::move(written.error()));
    const auto start = active().size_bytes() - size;
    for (auto number = first; number < end; ++number) {
      const auto& batch = (*batches)[number].batch;
      std::optional<ProducerAppend> producer;
      if (batch.header.producer_id != ProducerId::none()) {
        producer = ProducerAppend::of(batch.header, batch.header.base_offset);
        producer->marker = read_marker(batch);
      }
      remember(batch, batch.header.base_offset, start + (*batches)[number].position - (*batches)[first].position,
               producer);
    }
    if (failure) return refuse(AppendErrorKind::storage, *failure);
    result.last_offset = append.last_offset();
    result.max_timestamp = std::max(result.max_timestamp, append.max_timestamp());
    result.size_bytes += size;
    first = end;
  }
  return result;
}

tl::expected<void, AppendError> PartitionLog::State::write(const SegmentAppend& batches, Offset first_offset) {
  if (!is_copy && batches.bytes.size() > static_cast<std::size_t>(log->config.segment_bytes)) {
    return refuse(AppendErrorKind::larger_than_segment, "the append of " + std::to_string(batches.bytes.size()) +
                                                            " bytes to " + name + " is larger than segment.bytes, " +
                                                            std::to_string(log->config.segment_bytes));
  }
  if (auto rolled = roll_for(batches, first_offset); !rolled)
    return refuse(AppendErrorKind::storage, rolled.error().message);
  auto written = active().append(batches, log->config.index_interval_bytes);
  if (written) {
    appended_bytes(batches.bytes.size());
    constexpr std::size_t epoch_position = 12;
    journal_appended(batches.bytes, batches.last_offset() + 1,
                     LeaderEpoch(load_big_endian<std::int32_t>(batches.bytes.data() + epoch_position)));
    return {};
  }
  if (active().broken()) failure = written.error().message;
  return refuse(AppendErrorKind::storage, written.error().message);
}

// A batch is in the log: what is known of the log follows.
void PartitionLog::State::remember(const protocol::Batch& batch, Offset base_offset, std::uint64_t position,
                                   const std::optional<ProducerAppend>& producer) {
  const auto last_offset = base_offset + std::int64_t{batch.header.last_offset_delta};
  const bool begins_epoch = batch.header.partition_leader_epoch >= LeaderEpoch(0) &&
                            log->epochs.assign(batch.header.partition_leader_epoch, base_offset);
  if (begins_epoch || epochs_dirty_) epochs_changed();
  if (producer) {
    if (auto completed = log->producers.apply(*producer); completed && completed->aborted)
      index_transaction(*completed);
  }
  log->log_end = last_offset + 1;
  log->producers.set_end_offset(log->log_end);
  note_duties();
  tail_.add({base_offset, last_offset, active().base_offset(), static_cast<std::uint32_t>(position),
             static_cast<std::uint32_t>(batch.bytes.size())});
}

Status PartitionLog::State::roll_for(const SegmentAppend& batches, Offset first_offset) {
  auto& segment = active();
  const auto& config = log->config;
  const bool too_large = segment.size_bytes() + batches.bytes.size() > static_cast<std::uint64_t>(config.segment_bytes);
  // What is to be compacted in time must have left the active segment by then.
  const auto max_segment_ms =
      config.compacted ? std::min(config.segment_ms, config.max_compaction_lag_ms) : config.segment_ms;
  const bool old = segment.size_bytes() > 0 &&
                   segment.waited_ms(batches.now, batches.max_timestamp()) > max_segment_ms - segment.roll_jitter_ms();
  if (!too_large && !old && !segment.indexes_full() && segment.can_hold_offset(batches.last_offset())) return {};
  const auto base_offset = std::max(first_offset, log->log_end);
  if (segment.size_bytes() == 0 && segment.base_offset() == base_offset) return {};
  return roll(base_offset, batches.now);
}

// A log file that stayed behind would begin in the middle of the active segment, which goes on.
void PartitionLog::State::remove_unborn_segment(Offset base_offset) {
  directory_dirty_ = true;
  for (auto suffix : {log_suffix, offset_index_suffix, time_index_suffix, transaction_index_suffix}) {
    auto removed = environment->files.remove(log->directory + "/" + segment_file_name(base_offset, suffix));
    if (removed || removed.error().kind == ErrorKind::not_found) continue;
    failure = "a new segment could not be made, nor its files be removed: " + removed.error().message;
    if (disk_is_online()) logger.error(name + ": " + *failure);
  }
}

Status PartitionLog::State::roll(Offset base_offset, TimestampMs now) {
  auto next = std::make_unique<LogSegment>(environment->cache, log->directory, base_offset, log->config, now);
  if (auto made = next->create(log->config); !made) {
    next.reset();
    remove_unborn_segment(base_offset);
    return made;
  }
  next->set_roll_jitter_ms(roll_jitter_ms(log->config, environment->random));
  if (auto sealed = active().seal(); !sealed && disk_is_online()) {
    logger.warning(sealed.error().message + "; the index is built anew when the log is next loaded");
  }
  // Readers at the tail look into the newest sealed segment; those before it are read through their files.
  if (log->segments.size() > 1) log->segments[log->segments.size() - 2]->forget_indexes();
  log->segments.add(std::move(next));
  directory_dirty_ = true;
  snapshot_producers(base_offset);
  flush_to(log->log_end, [](const Status&) {});
  return {};
}

}  // namespace millrace::log

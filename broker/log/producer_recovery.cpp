#include "broker/log/producer_recovery.h"

#include <algorithm>
#include <utility>

#include "broker/log/producer_replay.h"

namespace millrace::log {

Status ProducerRecovery::bring_to(std::size_t number) {
  const auto& request = load_.request;
  auto& log = load_.log;
  auto& snapshots = load_.found.snapshots;
  const auto base = log.segments[number]->base_offset();
  const auto start = std::max(request.log_start, log.segments.front()->base_offset());
  if (followed_ && *followed_ + 1 == number) {
    log.producers.set_end_offset(base);
    if (base <= start || std::ranges::binary_search(snapshots, base)) return {};
    snapshots.insert(std::ranges::upper_bound(snapshots, base), base);
    return write_producer_snapshot(load_.files(), request.directory, base, log.producers.entries());
  }
  return replay_producers(load_.files(), {request.directory, snapshots, start, base, load_.now()}, log.segments.views(),
                          log.producers)
      .map([](Offset) {});
}

Status ProducerRecovery::follow(LogSegment& segment, const File& file, const ScannedBatch& batch) {
  auto append = read_producer_append(file, batch);
  if (!append) return tl::unexpected(append.error());
  if (!*append) return {};
  auto completed = load_.log.producers.apply(**append);
  if (!completed || !completed->aborted) return {};
  return segment.transaction_index().append(
      {completed->producer, completed->first_offset, completed->last_offset, completed->last_stable_offset});
}

void ProducerRecovery::followed(std::size_t number, Offset end) {
  load_.log.producers.set_end_offset(end);
  followed_ = number;
}

Status ProducerRecovery::load() {
  auto& log = load_.log;
  ReplayRequest request{load_.request.directory, load_.found.snapshots, log.log_start, log.log_end, load_.now()};
  auto snapshots = remove_stray_snapshots(load_.files(), request, log.segments);
  if (!snapshots) return tl::unexpected(snapshots.error());
  request.snapshots = std::move(*snapshots);
  const bool followed_to_end =
      followed_ && *followed_ + 1 == log.segments.size() && log.producers.end_offset() == log.log_end;
  if (followed_to_end) {
    log.producers.remove_expired(request.now);
    log.producers.on_log_start(log.log_start);
  } else {
    auto newest = replay_producers(load_.files(), request, log.segments.views(), log.producers);
    if (!newest) return tl::unexpected(newest.error());
    log.producer_snapshot_offset = *newest;
  }
  log.producers.on_high_watermark(log.high_watermark);
  return {};
}

}  // namespace millrace::log
